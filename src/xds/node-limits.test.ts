import { expect, it } from 'vitest';
import { beyondNodeLimits } from './node-limits.ts';
import { encode } from './proto.ts';

type Value = Readonly<Record<string, unknown>>;

const text = (stringValue: string): Value => ({ stringValue });
const structure = (fields: Readonly<Record<string, Value>>): Value => ({ structValue: { fields } });
const list = (...values: readonly Value[]): Value => ({ listValue: { values } });

function aNode(fields: Readonly<Record<string, Value>>): Uint8Array {
  const id = 'sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local';
  const extensions = Array.from({ length: 3_000 }, (_, index) => ({ name: `envoy.filters.http.extension_${index}` }));
  return encode('envoy.config.core.v3.Node', { id, metadata: { fields }, extensions });
}

function nested(levels: number, wrap: (inner: Value) => Value): Value {
  return levels === 0 ? text('end') : wrap(nested(levels - 1, wrap));
}

function many(count: number): Readonly<Record<string, Value>> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, text('')]));
}

it.each([
  ['a little', {}],
  ['60 kB', { LABELS: text('x'.repeat(60_000)) }],
  ['sixteen levels', { DEEP: nested(15, (inner) => structure({ inner })) }],
  ['512 keys', { LABELS: structure(many(511)) }],
  ['a long list', { PORTS: list(...Array.from({ length: 1_000 }, () => text('port'))) }],
])('a node may say %s, and have as many extensions as it likes', (_, fields) => {
  expect(beyondNodeLimits(aNode(fields))).toBeUndefined();
});

it.each([
  ['more than 64 kB', { LABELS: text('x'.repeat(66_000)) }, /has 66\d\d\d bytes, and may have 65536/],
  ['structures in structures', { DEEP: nested(16, (inner) => structure({ inner })) }, /more than 16 levels/],
  ['lists in lists', { DEEP: nested(16, (inner) => list(inner)) }, /more than 16 levels/],
  ['a thousand levels', { DEEP: nested(1_000, (inner) => list(inner)) }, /more than 16 levels/],
  ['too many keys', many(513), /has 513 keys, and may have 512/],
  ['too many keys in all', { A: structure(many(300)), B: list(structure(many(300))) }, /has 602 keys/],
])('reliability/S75: a node whose metadata is %s is beyond a limit that is named', (_, fields, message) => {
  expect(beyondNodeLimits(aNode(fields))).toMatch(message);
});
