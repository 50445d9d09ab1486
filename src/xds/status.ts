import type { ProxyKey, ScopeKey } from '../model/keys.ts';
import type { Proxy } from '../model/proxy.ts';
import type { Provenance } from '../model/provenance.ts';
import type { ProxyScopes } from '../model/scope.ts';
import type { Clock } from './clock.ts';
import type { Wire } from './observer.ts';
import type { Subscription } from './subscription.ts';
import type { PeerCertificate, PeerInfo } from './transport/transport.ts';

/** What is known of one connected proxy. Times are milliseconds since 1970. */
export interface ProxyStatus {
  readonly key: ProxyKey;
  readonly nodeId: string;
  /** Remote address of the connection. */
  readonly address: string;
  /** What the client proved to be; absent where it proved nothing. */
  readonly certificate?: Pick<PeerCertificate, 'uris'>;
  readonly connectedAt: number;
  readonly wire: Wire;
  readonly workload: { readonly namespace: string; readonly name: string };
  /** Version that the proxy says it is. */
  readonly version: string;
  readonly scopes: Readonly<Record<keyof ProxyScopes, readonly ScopeKey[]>>;
  /** The types it asked for, in the order in which they are sent. */
  readonly types: readonly TypeStatus[];
}

/**
 * `synced`: the proxy has confirmed everything. `pending`: something waits to be sent or to be confirmed. `rejected`: it refuses
 * something, and everything else is confirmed.
 */
export type SyncState = 'synced' | 'pending' | 'rejected';

export interface TypeStatus {
  readonly type: string;
  readonly typeUrl: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  /** Names that it follows one by one. */
  readonly names: number;
  /** Resources that it should have. */
  readonly resources: number;
  /** Combined version of those: equal for proxies that should have the same. */
  readonly version: string;
  /** undefined: nothing was sent on this connection. */
  readonly sent: { readonly version: string; readonly nonce: string; readonly at: number } | undefined;
  readonly acked: { readonly version: string; readonly at: number } | undefined;
  readonly pendingSince: number | undefined;
  readonly nack: NackStatus | undefined;
}

export interface NackStatus {
  /** The proxy's words, cut at 1 KiB. */
  readonly message: string;
  readonly at: number;
  readonly names: readonly string[];
  /** The objects that made the refused resources. */
  readonly objects: readonly Provenance[];
}

export interface Connection {
  readonly proxy: Proxy;
  readonly peer: PeerInfo;
  /** Milliseconds of the monotonic clock. */
  readonly connectedAt: number;
  readonly wire: Wire;
  readonly scopes: ProxyScopes;
}

export function proxyStatus(connection: Connection, subscriptions: Iterable<Subscription>, clock: Clock): ProxyStatus {
  const { proxy, peer, wire, scopes } = connection;
  const toWallTime = wallTimeAt(clock);
  return {
    key: proxy.key,
    nodeId: proxy.nodeId,
    address: peer.address,
    ...(peer.certificate === undefined ? {} : { certificate: { uris: peer.certificate.uris } }),
    connectedAt: toWallTime(connection.connectedAt),
    wire,
    workload: { namespace: proxy.namespace, name: proxy.workloadName },
    version: proxy.version,
    scopes,
    types: [...subscriptions].filter(({ started }) => started).map((each) => typeStatus(each, toWallTime)),
  };
}

function typeStatus(subscription: Subscription, toWallTime: (at: number) => number): TypeStatus {
  const { type, wildcard, named, lastNack, pendingSince } = subscription;
  const { lastSent, lastAcked } = subscription.deliveries;
  return {
    type: type.name,
    typeUrl: type.typeUrl,
    state: pendingSince !== undefined ? 'pending' : lastNack !== undefined ? 'rejected' : 'synced',
    wildcard,
    names: named.size,
    resources: subscription.resourceCount,
    version: subscription.viewVersion,
    sent: lastSent && { version: lastSent.version, nonce: lastSent.nonce, at: toWallTime(lastSent.at) },
    acked: lastAcked && { version: lastAcked.version, at: toWallTime(lastAcked.at) },
    pendingSince: pendingSince === undefined ? undefined : toWallTime(pendingSince),
    nack: lastNack && {
      message: lastNack.message,
      at: toWallTime(lastNack.at),
      names: lastNack.names,
      objects: lastNack.objects,
    },
  };
}

function wallTimeAt(clock: Clock): (at: number) => number {
  const offset = clock.wallTime() - clock.now();
  return (at) => Math.round(at + offset);
}
