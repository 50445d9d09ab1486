import { describe, expect, it } from 'vitest';
import { defaultMeshSettings } from '../../model/mesh-settings.ts';
import { toJson } from '../json.ts';
import { validate } from '../validation.ts';
import { anyConnection, plaintextHttp, type ChainMatch } from './chain-match.ts';
import { buildListener, type Chain, type ListenerShape } from './listener.ts';
import { tcpProxy, toCluster } from './tcp-proxy.ts';

function aChain(name: string, match: Partial<ChainMatch>): Chain {
  const filters = [tcpProxy(toCluster(`cluster-${name}`), defaultMeshSettings)];
  return { name, match: { ...anyConnection, ...match }, filters };
}

function aListener(chains: readonly Chain[], shape: Partial<ListenerShape> = {}) {
  const message = buildListener(
    {
      name: 'test',
      address: '0.0.0.0',
      port: 80,
      direction: 'inbound',
      socket: 'bound',
      originalDestination: 'ignore',
      ...shape,
      chains,
    },
    defaultMeshSettings,
  );
  expect(validate('envoy.config.listener.v3.Listener', message)).toEqual([]);
  return message;
}

describe('chains', () => {
  it('for the same connections: the first stays (policy/P315, policy/P336)', () => {
    const { filterChains } = aListener([
      aChain('old', { destinationPort: 80 }),
      aChain('new', { destinationPort: 80 }),
      aChain('other', { destinationPort: 81 }),
    ]);
    expect(filterChains?.map(({ name }) => name)).toEqual(['old', 'other']);
  });

  it('for what no other takes are the default, which Envoy finds whatever it looked at first', () => {
    const listener = aListener([aChain('rest', {}), aChain('some', { transport: 'raw_buffer' })]);
    expect(listener.filterChains?.map(({ name }) => name)).toEqual(['some']);
    expect(listener.defaultFilterChain?.name).toBe('rest');
  });

  it('that are alone need no condition', () => {
    expect(aListener([aChain('all', {})])).toMatchObject({ filterChains: [{ name: 'all' }] });
  });
});

describe('inspectors', () => {
  const http = aChain('http', { transport: 'raw_buffer', applicationProtocols: plaintextHttp });
  const names = (chains: readonly Chain[]) => aListener(chains).listenerFilters?.map(({ name }) => name);

  it('look into connections only where a chain asks (policy/P320)', () => {
    expect(names([aChain('all', {})])).toEqual([]);
    expect(names([http])).toEqual(['envoy.filters.listener.http_inspector']);
    expect(names([aChain('sni', { serverNames: ['a.example.com'] })])).toEqual([
      'envoy.filters.listener.tls_inspector',
    ]);
    expect(names([http, aChain('tls', { transport: 'tls' })])).toEqual([
      'envoy.filters.listener.tls_inspector',
      'envoy.filters.listener.http_inspector',
    ]);
  });

  it('leave ports alone whose protocol is declared (policy/P320, policy/P335)', () => {
    const declared = (port: number) => aChain(String(port), { destinationPort: port, transport: 'raw_buffer' });
    const disabledOn = (chains: readonly Chain[]) => aListener(chains).listenerFilters?.[0]?.filterDisabled;
    expect(disabledOn([http])).toBeUndefined();
    expect(disabledOn([http, declared(80)])).toEqual({ destinationPortRange: { start: 80, end: 81 } });
    expect(disabledOn([http, declared(81), declared(80)])).toEqual({
      orMatch: {
        rules: [{ destinationPortRange: { start: 80, end: 81 } }, { destinationPortRange: { start: 81, end: 82 } }],
      },
    });
  });

  it('wait for the first bytes as long as the mesh says, and go on without them (policy/P313)', () => {
    expect(toJson('envoy.config.listener.v3.Listener', aListener([http]))).toMatchObject({
      listenerFiltersTimeout: '0s',
      continueOnListenerFiltersTimeout: true,
    });
  });
});

describe('the socket', () => {
  it.each([
    ['bound', {}],
    ['handed-over', { bindToPort: false }],
    ['exclusive', { enableReusePort: false }],
  ] as const)('%s', (socket, expected) => {
    const json = toJson('envoy.config.listener.v3.Listener', aListener([aChain('all', {})], { socket }));
    const { bindToPort, enableReusePort } = json as Record<string, unknown>;
    expect({ bindToPort, enableReusePort }).toEqual({ bindToPort: undefined, enableReusePort: undefined, ...expected });
  });
});
