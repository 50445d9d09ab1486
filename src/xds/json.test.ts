import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as envoy from './envoy.ts';
import { milliseconds, percentOfMillion, struct } from './envoy.ts';
import { fromJson, toJson } from './json.ts';
import { encode, pack, type TypeName } from './proto.ts';
import { aMessage } from '../../test/support/random-messages.ts';

const clusterType = 'envoy.config.cluster.v3.Cluster';

const cluster: envoy.Cluster = {
  name: 'outbound|80||reviews.shop.svc.cluster.local',
  type: 'STRICT_DNS',
  lbPolicy: 'RING_HASH',
  connectTimeout: milliseconds(250),
  perConnectionBufferLimitBytes: { value: 1024 },
  ringHashLbConfig: { minimumRingSize: { value: 2048 } },
  commonLbConfig: { healthyPanicThreshold: { value: 12.5 } },
  metadata: { filterMetadata: { istio: struct({ services: [{ host: 'reviews' }], on: true, nothing: null, n: 1.5 }) } },
  typedExtensionProtocolOptions: {
    known: pack('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
      explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: { value: 5 } } },
    }),
    duration: pack('google.protobuf.Duration', milliseconds(3_000)),
    unknown: { typeUrl: 'type.googleapis.com/nobody.knows.This', value: Buffer.from([1, 2, 255]) },
  },
};

describe('toJson', () => {
  it("is protobuf's canonical form", () => {
    expect(toJson(clusterType, cluster)).toEqual({
      name: 'outbound|80||reviews.shop.svc.cluster.local',
      type: 'STRICT_DNS',
      lbPolicy: 'RING_HASH',
      connectTimeout: '0.250s',
      perConnectionBufferLimitBytes: 1024,
      ringHashLbConfig: { minimumRingSize: '2048' },
      commonLbConfig: { healthyPanicThreshold: { value: 12.5 } },
      metadata: { filterMetadata: { istio: { services: [{ host: 'reviews' }], on: true, nothing: null, n: 1.5 } } },
      typedExtensionProtocolOptions: {
        known: {
          '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 5 } },
        },
        duration: { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '3s' },
        unknown: { '@type': 'type.googleapis.com/nobody.knows.This', value: 'AQL/' },
      },
    });
  });

  it('is the same for a message and for its bytes, in an order that does not depend on who wrote it', () => {
    const text = JSON.stringify(toJson(clusterType, encode(clusterType, cluster)));
    expect(text).toBe(JSON.stringify(toJson(clusterType, cluster)));
    expect(text.indexOf('"name"')).toBeLessThan(text.indexOf('"connectTimeout"'));
    const reversed = Object.fromEntries(Object.entries(cluster).reverse());
    expect(JSON.stringify(toJson(clusterType, reversed))).toBe(text);
  });

  it.each([
    [0, '0s'],
    [1, '0.001s'],
    [1_500, '1.500s'],
    [10_000, '10s'],
    [0.25, '0.000250s'],
    [0.000_001, '0.000000001s'],
  ])('writes %s ms as %s', (duration, text) => {
    expect(toJson('google.protobuf.Duration', milliseconds(duration))).toBe(text);
  });

  it('writes negative durations, times, masks, numbers that are none, and wrapped defaults', () => {
    expect(toJson('google.protobuf.Duration', { seconds: -1, nanos: -500_000_000 })).toBe('-1.500s');
    expect(toJson('google.protobuf.Timestamp', { seconds: 1_700_000_000, nanos: 1_000_000 })).toBe(
      '2023-11-14T22:13:20.001Z',
    );
    expect(toJson('google.protobuf.FieldMask', { paths: ['a_b', 'c.d_e'] })).toBe('aB,c.dE');
    expect(toJson('google.protobuf.DoubleValue', { value: Number.POSITIVE_INFINITY })).toBe('Infinity');
    expect(toJson('google.protobuf.FloatValue', { value: 0.1 })).toBe(0.1);
    expect(toJson('google.protobuf.UInt64Value', {})).toBe('0');
    expect(toJson('google.protobuf.BoolValue', {})).toBe(false);
  });
});

describe('fromJson', () => {
  it('takes both spellings of a name', () => {
    expect(fromJson(clusterType, { connect_timeout: '1.5s', lbPolicy: 'MAGLEV' })).toEqual({
      connectTimeout: { seconds: 1, nanos: 500_000_000 },
      lbPolicy: 'MAGLEV',
    });
  });

  it.each([
    [{ nme: 'a' }, /nme/],
    [{ connectTimeout: 5 }, /[dD]uration/],
    [{ lbPolicy: 'BEST' }, /lbPolicy/],
  ])('refuses %j and says what is wrong', (json, error) => {
    expect(() => fromJson(clusterType, json)).toThrow(error);
  });

  const types: readonly TypeName[] = [
    clusterType,
    'envoy.config.listener.v3.Listener',
    'envoy.config.route.v3.RouteConfiguration',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  ];
  it.each(types)('reads what toJson wrote: %s', (type) => {
    fc.assert(
      fc.property(aMessage(type), (message) => {
        const json = JSON.parse(JSON.stringify(toJson(type, message))) as unknown;
        expect(Buffer.from(encode(type, fromJson(type, json)))).toEqual(Buffer.from(encode(type, message)));
      }),
      { numRuns: 40 },
    );
  });
});

it('keeps a percentage to a millionth of the whole', () => {
  expect(percentOfMillion(12.3456)).toEqual({ numerator: 123_456, denominator: 'MILLION' });
});
