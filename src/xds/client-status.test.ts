import { expect, it } from 'vitest';
import { proxyKey } from '../model/keys.ts';
import { clientStatusHandlers } from './client-status.ts';
import { decode } from './proto.ts';
import type { ProxyStatus, TypeStatus } from './status.ts';
import { spareBytes, type StreamTransport } from './transport/transport.ts';

function aType(status: Partial<TypeStatus>): TypeStatus {
  return {
    type: 'cluster',
    typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
    state: 'pending',
    wildcard: true,
    names: 0,
    resources: 1,
    version: 'v2',
    sent: undefined,
    acked: undefined,
    pendingSince: undefined,
    nack: undefined,
    ...status,
  };
}

function aProxy(...types: readonly TypeStatus[]): ProxyStatus {
  return {
    key: proxyKey('web#1'),
    nodeId: 'web',
    address: '10.0.0.7:1',
    connectedAt: 0,
    wire: 'delta',
    workload: { namespace: 'shop', name: 'web-1' },
    version: '1.40.0',
    scopes: { cluster: [], endpoints: [], listener: [], routes: [], virtualHosts: [] },
    types,
  };
}

/** A client that asks without reading: what it was sent, and how it was told to stop. */
function ask(proxies: readonly ProxyStatus[], requests = 1) {
  const sent: Uint8Array[] = [];
  const closed: string[] = [];
  let deliver: (message: Uint8Array) => void = () => undefined;
  const transport: StreamTransport = {
    peer: { address: '127.0.0.1:1' },
    queuedBytes: 0,
    send: (parts) => {
      sent.push(Buffer.concat(parts).subarray(spareBytes));
      return false;
    },
    onMessage: (callback) => {
      deliver = callback;
    },
    onDrain: () => undefined,
    onClose: () => undefined,
    close: (status) => closed.push(status),
  };
  clientStatusHandlers(() => proxies).get('/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus')?.(
    transport,
  );
  for (let count = 0; count < requests; count++) deliver(new Uint8Array(0));
  const [first = new Uint8Array(0)] = sent;
  return { response: decode('envoy.service.status.v3.ClientStatusResponse', first), answers: sent.length, closed };
}

const sent = { version: 'v2', nonce: 'n', at: 2_500 };

it.each<[string, TypeStatus, object]>([
  ['never sent', aType({}), { configStatus: 'NOT_SENT' }],
  ['waiting for its first ACK', aType({ sent }), { configStatus: 'STALE', versionInfo: 'v2' }],
  [
    'waiting for another ACK',
    aType({ sent, acked: { version: 'v1', at: 1_000 } }),
    { configStatus: 'STALE', versionInfo: 'v1', lastUpdated: { seconds: 1 } },
  ],
  [
    'confirmed, and not yet sent again',
    aType({ sent, acked: { version: 'v2', at: 2_600 } }),
    { configStatus: 'NOT_SENT', lastUpdated: { seconds: 2, nanos: 600_000_000 } },
  ],
  ['confirmed', aType({ sent, acked: { version: 'v2', at: 2_600 }, state: 'synced' }), { configStatus: 'SYNCED' }],
  ['equal to what the proxy brought', aType({ state: 'synced' }), { configStatus: 'SYNCED' }],
  [
    'refused',
    aType({ sent, state: 'rejected', nack: { message: 'no', at: 3_000, names: ['a'], objects: [] } }),
    { configStatus: 'ERROR', errorState: { details: 'no', lastUpdateAttempt: { seconds: 3 } } },
  ],
])('a type that is %s (xds-protocol/X84)', (_, type, expected) => {
  const { config = [] } = ask([aProxy(type)]).response;
  expect(config).toMatchObject([
    { node: { id: 'web' }, genericXdsConfigs: [expected, ...(type.nack?.names ?? []).map(() => ({}))] },
  ]);
});

it('stops a client that asks on and on without reading', () => {
  expect(ask([aProxy()], 3)).toMatchObject({ answers: 1, closed: ['RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED'] });
});
