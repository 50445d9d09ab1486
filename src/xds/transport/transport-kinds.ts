/** What `weir serve` uses first. */
export const transportKinds = ['http2', 'grpc-js'] as const;

/** The implementations of gRPC. `http2`: Weir's own framing on node:http2. `grpc-js`: the library. */
export type TransportKind = (typeof transportKinds)[number];
