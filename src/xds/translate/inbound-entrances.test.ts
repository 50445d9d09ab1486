import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MutualTlsMode } from '../../model/mutual-tls.ts';
import type { Protocol } from '../../model/protocol.ts';
import type { SecretOrigin } from '../../model/identity.ts';
import { anyConnection } from './chain-match.ts';
import { entrances, type Entrance } from './inbound-entrances.ts';

const all = ['istio-peer-exchange', 'istio', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const http = all.slice(2);
const tcp = all.slice(0, 2);
const clear = ['http/1.1', 'h2c'];

/** `transport [application protocols] -> where to`, mutual TLS marked. */
function shown({ match, leads, mutualTls }: Entrance): string {
  return `${match.transport ?? 'any'} ${match.applicationProtocols.join(' ')} -> ${mutualTls ? 'mTLS ' : ''}${leads}`;
}

const waysIn = (protocol: Protocol, mode: MutualTlsMode, secrets: SecretOrigin = 'stream') =>
  entrances(protocol, { mode, secrets }, anyConnection).map(shown);

describe('the ways into a port', () => {
  test.each(['http', 'http2', 'grpc', 'grpc-web'] as const)('policy/P331, istio-compat/I120: %s', (protocol) => {
    expect(waysIn(protocol, 'disable')).toEqual(['raw_buffer  -> http']);
    expect(waysIn(protocol, 'permissive')).toEqual([`tls ${all.join(' ')} -> mTLS http`, 'raw_buffer  -> http']);
    expect(waysIn(protocol, 'strict')).toEqual(['tls  -> mTLS http']);
  });

  test.each(['tcp', 'tls', 'https', 'mysql', 'redis', 'mongo'] as const)(
    'policy/P332, istio-compat/I121: %s',
    (protocol) => {
      expect(waysIn(protocol, 'disable')).toEqual(['raw_buffer  -> tcp']);
      expect(waysIn(protocol, 'permissive')).toEqual([
        `tls ${all.join(' ')} -> mTLS tcp`,
        'tls  -> untouched',
        'raw_buffer  -> tcp',
      ]);
      expect(waysIn(protocol, 'strict')).toEqual(['tls  -> mTLS tcp']);
    },
  );

  test('policy/P333, istio-compat/I122: detected', () => {
    const inTheClear = [`raw_buffer ${clear.join(' ')} -> http`, 'raw_buffer  -> tcp'];
    expect(waysIn('auto', 'disable')).toEqual(inTheClear);
    expect(waysIn('auto', 'permissive')).toEqual([
      `tls ${http.join(' ')} -> mTLS http`,
      `tls ${tcp.join(' ')} -> mTLS tcp`,
      ...inTheClear,
      'tls  -> untouched',
    ]);
    expect(waysIn('auto', 'strict')).toEqual([`tls ${http.join(' ')} -> mTLS http`, 'tls  -> mTLS tcp']);
  });

  test('without certificate what is not strict takes what comes in the clear, and what is takes nothing', () => {
    for (const protocol of ['http', 'tcp', 'auto'] as const) {
      expect(waysIn(protocol, 'permissive', 'none')).toEqual(waysIn(protocol, 'disable'));
      expect(waysIn(protocol, 'disable', 'none')).toEqual(waysIn(protocol, 'disable'));
      expect(waysIn(protocol, 'strict', 'none')).toEqual(['any  -> closed']);
    }
  });

  test('policy/P336: no connection is meant twice, and what is strict is never taken in the clear', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Protocol>('http', 'http2', 'grpc', 'grpc-web', 'https', 'tls', 'tcp', 'mongo', 'auto'),
        fc.constantFrom<MutualTlsMode>('disable', 'permissive', 'strict'),
        fc.constantFrom<SecretOrigin>('stream', 'agent', 'none'),
        (protocol, mode, secrets) => {
          const ways = entrances(protocol, { mode, secrets }, anyConnection);
          const single = ways.flatMap(({ match: { transport = '', applicationProtocols } }) =>
            applicationProtocols.length === 0
              ? [transport]
              : applicationProtocols.map((each) => `${transport} ${each}`),
          );
          expect(new Set(single).size).toBe(single.length);
          expect(ways.every(({ mutualTls }) => !mutualTls || secrets !== 'none')).toBe(true);
          if (mode !== 'strict') return;
          expect(ways.every(({ leads, mutualTls }) => mutualTls || leads === 'closed')).toBe(true);
        },
      ),
    );
  });
});
