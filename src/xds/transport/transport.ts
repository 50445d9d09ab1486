/** What the server needs of a connection; everything above it is the same for every transport (hot-path H701). */

/** Who is at the other end. */
export interface PeerInfo {
  /** `address:port`. */
  readonly address: string;
  /** Absent unless the connection is TLS and the client proved that the certificate is its own and of a trusted issuer. */
  readonly certificate?: PeerCertificate;
}

/** What a verified client certificate says. */
export interface PeerCertificate {
  /** Its URIs, for example `spiffe://cluster.local/ns/shop/sa/web`. */
  readonly uris: readonly string[];
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** DER. */
  readonly bytes: Uint8Array;
}

/** What of a call's metadata says who calls. */
export interface CallMetadata {
  /** `authorization`; undefined: not sent. */
  readonly authorization: string | undefined;
  /** `clusterid`: the cluster whose API server knows the token (istio-compat I30); empty: not said. */
  readonly clusterId: string;
}

/** What happens to a new call. */
export type CallHandler = (stream: StreamTransport, metadata: CallMetadata) => void;

/** Names of the gRPC status codes that the server ends streams with, and their numbers. */
export const statusCodes = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type StatusName = keyof typeof statusCodes;

/** How a stream ended: the client finished, the connection broke, or the server closed it. */
export type CloseReason =
  { readonly kind: 'half-closed' } | { readonly kind: 'broken'; readonly detail: string } | { readonly kind: 'closed' };

/** Bytes at the start of the first part of a message that the transport may use for its own framing. */
export const spareBytes = 5;

/** Bytes of the largest request: a delta reconnect names everything that the client has, with versions (xds-protocol X11, hot-path H1003). */
export const largestMessage = 32 * 1024 * 1024;

/** Bytes that a client may send before it has to wait: a reconnect needs no round trips for its window (hot-path H1005). */
export const receiveWindow = 1024 * 1024;

/** One bidirectional stream of messages. */
export interface StreamTransport {
  readonly peer: PeerInfo;
  /** Bytes handed over and not yet on their way. */
  readonly queuedBytes: number;
  /**
   * Sends one message.
   *
   * @param parts the message in pieces; the first begins with `spareBytes` bytes that are not part of it. None may be changed afterwards.
   * @param bytes length of the message, without the spare bytes
   * @returns false: nothing is lost, but nothing more should be sent before `onDrain`
   */
  send(parts: readonly Uint8Array[], bytes: number): boolean;
  /** The bytes are valid during the call only. */
  onMessage(callback: (message: Uint8Array) => void): void;
  onDrain(callback: () => void): void;
  /** Called exactly once. */
  onClose(callback: (reason: CloseReason) => void): void;
  /** Ends the stream with a status. Does nothing on one that has ended. */
  close(status: StatusName, detail: string): void;
}
