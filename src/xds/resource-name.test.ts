import { describe, expect, it } from 'vitest';
import { aNodeId, ServerRig } from '../../test/support/stream-rig.ts';
import { canonicalName } from './resource-name.ts';

it.each([
  ['xdstp://weir/t/a?b=1&a=2', 'xdstp://weir/t/a?a=2&b=1'],
  ['xdstp://weir/t/a?a=2&b=1', 'xdstp://weir/t/a?a=2&b=1'],
  ['xdstp://weir/t/%61%2f%7e?k=%e4%2D', 'xdstp://weir/t/a%2F~?k=%E4-'],
  ['xdstp://weir/t/a%zz?x', 'xdstp://weir/t/a%zz?x'],
  ['xdstp://weir/t/a', 'xdstp://weir/t/a'],
  ['outbound|80||a.b?b=1&a=%61', 'outbound|80||a.b?b=1&a=%61'],
  ['', ''],
])('%j is %j', (name, canonical) => {
  expect(canonicalName(name)).toBe(canonical);
});

describe('a resource by another spelling of its name', () => {
  const name = 'xdstp://weir/envoy.config.endpoint.v3.ClusterLoadAssignment/a?a=%2F&b=1';
  const spelling = 'xdstp://weir/envoy.config.endpoint.v3.ClusterLoadAssignment/%61?b=1&a=%2f';

  it.each(['delta', 'sotw'] as const)('is that resource (xds-protocol/X74): %s', (wire) => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', name, '1');
    const client = rig.client(wire);
    const node = { id: aNodeId };
    if (wire === 'delta') client.request('endpoints', { node, resourceNamesSubscribe: [spelling] });
    else client.list('endpoints', { node, resourceNames: [spelling] });
    expect(rig.settle(client)).toMatchObject([{ resources: [wire === 'delta' ? `${name}@1` : '1'], removed: [] }]);
  });

  it('is held and dropped by it (xds-protocol/X74)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', name, '1');
    const client = rig.client();
    client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: [name] });
    const version = rig.exchange(client)[0]?.versions[0] ?? '';
    client.leave({ kind: 'broken', detail: 'reset' });
    const again = rig.client();
    again.request('endpoints', {
      node: { id: aNodeId },
      resourceNamesSubscribe: [name],
      initialResourceVersions: { [spelling]: version },
    });
    expect(rig.exchange(again)).toEqual([]);
    again.request('endpoints', { resourceNamesUnsubscribe: [spelling] });
    rig.mesh.put('endpoints', name, '2');
    expect(rig.exchange(again)).toEqual([]);
  });
});
