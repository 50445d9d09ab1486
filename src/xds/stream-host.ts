import type { Caller } from '../identity/caller.ts';
import type { Watch } from '../incremental/commit.ts';
import type { Proxy } from '../model/proxy.ts';
import type { ProxyScopes } from '../model/scope.ts';
import type { ClientFeatures } from './client-features.ts';
import type { Clock } from './clock.ts';
import type { Publication } from './flight.ts';
import type { FlushQueue } from './flush-queue.ts';
import type { XdsObserver } from './observer.ts';
import type { Preparations } from './preparation.ts';
import type { ResponseCache } from './response-cache.ts';
import type { ResourceStore } from './store.ts';
import type { SecretSource } from './secrets.ts';
import type { XdsStream } from './stream.ts';
import type { TaintedNames } from './taint.ts';
import type { StatusName } from './transport/transport.ts';

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
  /**
   * Makes a proxy known by its encoded node; throws `StreamRefusal` when it will not be served.
   *
   * @param caller whose credential holds; undefined: nobody knows who calls
   * @param carriesVirtualHosts whether the stream can bring it virtual hosts one by one
   */
  readonly identify: (
    node: Uint8Array | undefined,
    caller: Caller | undefined,
    carriesVirtualHosts: boolean,
  ) => { readonly proxy: Proxy; readonly features: ClientFeatures };
  readonly secrets: SecretSource;
  readonly followScopes: (
    proxy: Proxy,
    changed: (scopes: ProxyScopes, publication: Publication) => void,
  ) => Watch<ProxyScopes>;
  readonly ended: (stream: XdsStream, proxy: Proxy | undefined) => void;
}

/** Why a stream is ended with an error, said to the client. */
export class StreamRefusal extends Error {
  override readonly name = 'StreamRefusal';
  readonly status: StatusName;

  constructor(status: StatusName, message: string) {
    super(message);
    this.status = status;
  }
}
