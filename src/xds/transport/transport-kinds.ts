/** What `weir serve` uses first. */
export const transportKinds = ['codec', 'http2', 'grpc-js'] as const;

/** The implementations of gRPC. `codec`: Weir's own HTTP/2. `http2`: Weir's own framing on node:http2. `grpc-js`: the library. */
export type TransportKind = (typeof transportKinds)[number];
