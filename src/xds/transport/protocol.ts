import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { CallHandler } from './transport.ts';

/** What the two implementations of gRPC have in common: what they are told, and what they do with connections. */

/** What happens to connections, as opposed to streams. */
export interface ConnectionObserver {
  opened(): void;
  closed(): void;
  /** Weir ends a connection, or for `stall` a stream. @param reason what the client did, for `protocol` */
  ended(cause: ConnectionEnd, address: string, reason?: string): void;
  /** A client gave up, or shows a certificate that is not trusted. */
  handshakeFailed(address: string, reason: string): void;
}

/**
 * `age`: it is old enough. `keepalive`: a PING was not answered. `stall`: what was sent is not read. `protocol`: the client breaks the
 * rules of HTTP/2, or floods the server.
 */
export type ConnectionEnd = 'age' | 'keepalive' | 'stall' | 'protocol';

/** In milliseconds. */
export interface ConnectionLimits {
  /** Time without end before a connection is asked whether it lives. */
  readonly keepaliveInterval: number;
  /** Time that it has to answer. */
  readonly keepaliveTimeout: number;
  /** Age at which a connection is ended so that clients spread over replicas again, ±10 %; undefined: never. */
  readonly age: number | undefined;
  /** Time between the notice of the end (GOAWAY) and the end of its streams. */
  readonly ageGrace: number;
  /** Time in which a client has to take what was sent, for each MiB begun of it. */
  readonly stall: number;
}

export const defaultLimits: ConnectionLimits = {
  keepaliveInterval: 30_000,
  keepaliveTimeout: 10_000,
  age: 30 * 60_000,
  ageGrace: 5_000,
  stall: 60_000,
};

export interface ProtocolOptions {
  /** What happens to a new stream, by path (`/package.Service/Method`). Other paths are UNIMPLEMENTED. */
  readonly handlers: ReadonlyMap<string, CallHandler>;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly observer: ConnectionObserver;
}

/** What a protocol does with connections. */
export interface Protocol {
  /** @param socket behind its TLS handshake, where it has TLS */
  take(socket: Socket): void;
  /** Tells clients to go elsewhere and ends all streams. Connections end by themselves then, if their clients read. */
  close(): void;
}

/** An observer that looks away. */
export const noConnectionObserver: ConnectionObserver = {
  opened: () => undefined,
  closed: () => undefined,
  ended: () => undefined,
  handshakeFailed: () => undefined,
};
