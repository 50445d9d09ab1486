import type { Caller } from '../identity/caller.ts';
import type { Watch } from '../incremental/commit.ts';
import type { Proxy } from '../model/proxy.ts';
import type { ProxyScopes } from '../model/scope.ts';
import type { ClientFeatures } from './client-features.ts';
import type { Clock } from './clock.ts';
import type { Publication } from './flight.ts';
import type { FlushQueue } from './flush-queue.ts';
import type { CredentialBond } from './credential-bond.ts';
import type { NodeError } from './node.ts';
import type { RefusalReason, XdsObserver } from './observer.ts';
import type { Preparations } from './preparation.ts';
import type { ResponseCache } from './response-cache.ts';
import type { ResourceStore } from './store.ts';
import type { SecretSource } from './secrets.ts';
import type { XdsStream } from './stream.ts';
import type { TaintedNames } from './taint.ts';
import type { StatusName } from './transport/transport.ts';

/** What the first request of a stream brings. */
export interface Introduction {
  /** Encoded; undefined: the request has none. */
  readonly node: Uint8Array | undefined;
  /** Whose credential holds; undefined: nobody knows who calls. */
  readonly caller: Caller | undefined;
  /** Whether the stream can bring virtual hosts one by one. */
  readonly carriesVirtualHosts: boolean;
  /** Called when the stream has to end because of its credential. */
  readonly broken: (refusal: StreamRefusal) => void;
  /** The proxy belongs elsewhere now. Called inside a commit. */
  readonly scopesChanged: (scopes: ProxyScopes, publication: Publication) => void;
}

/** A proxy that is served. */
export interface Identified {
  readonly proxy: Proxy;
  readonly features: ClientFeatures;
  readonly bond: CredentialBond;
  readonly scopes: Watch<ProxyScopes>;
}

/** What a stream needs of the server that it belongs to. */
export interface StreamHost {
  readonly store: ResourceStore;
  readonly clock: Clock;
  readonly observer: XdsObserver;
  readonly queue: FlushQueue;
  readonly preparations: Preparations;
  readonly taint: TaintedNames;
  readonly responses: ResponseCache;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Makes a proxy known by its first request; throws `StreamRefusal` when it will not be served, and holds nothing of it then. */
  readonly identify: (introduction: Introduction) => Identified;
  /** What a later request says of its node. */
  readonly readNode: (node: Uint8Array) => Proxy | NodeError;
  readonly secrets: SecretSource;
  readonly ended: (stream: XdsStream, proxy: Proxy | undefined) => void;
}

/** Why a stream is ended with an error, said to the client. */
export class StreamRefusal extends Error {
  override readonly name = 'StreamRefusal';
  readonly status: StatusName;
  readonly reason: RefusalReason;
  /** The whole of it, for the log. */
  readonly detail: string;

  constructor(status: StatusName, message: string, reason: RefusalReason = 'request', detail: string = message) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.detail = detail;
  }
}
