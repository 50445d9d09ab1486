import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as envoy from './envoy.ts';
import { milliseconds, struct } from './envoy.ts';
import { decode, encode, isTypeName, pack, shapeOf, typeNameOf, unpack, type TypeName } from './proto.ts';
import { aMessage } from '../../test/support/random-messages.ts';

const clusterType = 'envoy.config.cluster.v3.Cluster';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('encode', () => {
  const types: readonly TypeName[] = [
    clusterType,
    'envoy.config.endpoint.v3.ClusterLoadAssignment',
    'envoy.config.listener.v3.Listener',
    'envoy.config.route.v3.RouteConfiguration',
    'envoy.config.bootstrap.v3.Bootstrap',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    'envoy.service.discovery.v3.DeltaDiscoveryRequest',
    'google.protobuf.Struct',
  ];

  it.each(types)('hot-path/H302 decodes back to the message that went in: %s', (type) => {
    fc.assert(
      fc.property(aMessage(type), (message) => {
        expect(decode(type, encode(type, message))).toEqual(message);
      }),
      { numRuns: 60 },
    );
  });

  it('hot-path/H304 gives equal messages equal bytes, whatever the order in which they were written', () => {
    const one: envoy.Cluster = {
      name: 'a',
      connectTimeout: { seconds: 1 },
      metadata: { filterMetadata: { x: struct({ b: 1, a: 2 }), istio: struct({}) } },
    };
    const other: envoy.Cluster = {
      metadata: { filterMetadata: { istio: struct({}), x: struct({ a: 2, b: 1 }) } },
      connectTimeout: { seconds: 1 },
      name: 'a',
    };
    expect(hex(encode(clusterType, one))).toBe(hex(encode(clusterType, other)));
  });

  it('leaves out what is undefined and what is a default, but keeps an empty message and a wrapped default', () => {
    const bytes = encode(clusterType, {
      name: '',
      type: 'STATIC',
      lbPolicy: undefined,
      edsClusterConfig: {},
      perConnectionBufferLimitBytes: { value: 0 },
    });
    expect(decode(clusterType, bytes)).toEqual({
      type: 'STATIC',
      edsClusterConfig: {},
      perConnectionBufferLimitBytes: {},
    });
  });

  it('writes an enum value by its name', () => {
    expect(decode(clusterType, encode(clusterType, { lbPolicy: 'MAGLEV' }))).toEqual({ lbPolicy: 'MAGLEV' });
  });

  it('writes negative and 64-bit numbers', () => {
    expect(decode('google.protobuf.Int64Value', encode('google.protobuf.Int64Value', { value: -5 }))).toEqual({
      value: -5,
    });
    const large = Number.MAX_SAFE_INTEGER;
    expect(decode('google.protobuf.UInt64Value', encode('google.protobuf.UInt64Value', { value: large }))).toEqual({
      value: large,
    });
  });

  it.each([
    [{ nam: 'a' }, /Cluster has no field nam/],
    [{ connect_timeout: {} }, /Cluster has no field connect_timeout/],
    [{ edsClusterConfig: { serviceNames: 'x' } }, /EdsClusterConfig has no field serviceNames/],
    [{ lbPolicy: 'BEST' }, /Cluster.lbPolicy has no value BEST/],
    [{ lbPolicy: 1 }, /Cluster.lbPolicy has no value 1/],
    [{ name: 5 }, /Cluster.name is a string/],
    [{ healthChecks: {} }, /Cluster.healthChecks is a list/],
    [{ perConnectionBufferLimitBytes: { value: -1 } }, /UInt32Value.value is between 0 and 4294967295/],
    [{ perConnectionBufferLimitBytes: { value: 1.5 } }, /UInt32Value.value is an integer/],
  ])('refuses %j instead of losing it', (message, error) => {
    expect(() => encode(clusterType, message as envoy.Cluster)).toThrow(error);
    // What went wrong once does not stick.
    expect(decode(clusterType, encode(clusterType, { name: 'next' }))).toEqual({ name: 'next' });
  });

  it('hot-path/H504 gives bytes in memory of their own', () => {
    const bytes = encode(clusterType, { name: 'small' });
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });
});

describe('pack', () => {
  it('wraps a message with its type, and unpack gives it back only as that type', () => {
    const any = pack('google.protobuf.Duration', milliseconds(1_500));
    expect(any.typeUrl).toBe('type.googleapis.com/google.protobuf.Duration');
    expect(unpack('google.protobuf.Duration', any)).toEqual({ seconds: 1, nanos: 500_000_000 });
    expect(unpack('google.protobuf.Timestamp', any)).toBeUndefined();
  });

  it('says nothing of types that the descriptor lacks', () => {
    expect(typeNameOf({ typeUrl: 'type.googleapis.com/nobody.knows.This' })).toBeUndefined();
    expect(isTypeName('envoy.config.cluster.v3')).toBe(false);
    expect(shapeOf('Cluster')).toBeUndefined();
  });
});

it('describes fields by the names of the JSON form, in the order of their numbers', () => {
  const fields = shapeOf('envoy.config.cluster.v3.OutlierDetection')
    ?.fields.slice(0, 3)
    .map(({ name, id }) => [id, name]);
  expect(fields).toEqual([
    [1, 'consecutive5xx'],
    [2, 'interval'],
    [3, 'baseEjectionTime'],
  ]);
});

it('reads a message that a newer Envoy wrote, without what it does not know', () => {
  const known = encode('google.protobuf.StringValue', { value: 'x' });
  const unknown = Buffer.concat([known, Buffer.from([0x9a, 0x3f, 0x01, 0x00])]);
  expect(decode('google.protobuf.StringValue', unknown)).toEqual({ value: 'x' });
});
