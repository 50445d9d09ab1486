import { expect, it } from 'vitest';
import { aMesh, aPod } from '../../test/support/mesh-rows.ts';
import { workloads } from '../model/tables.ts';
import { missingSidecars } from './missing-sidecars.ts';

const namespaces = [
  { name: 'shop', labels: { 'weir.dev/injection': 'enabled' } },
  { name: 'canary', labels: { 'weir.dev/revision': 'canary' } },
  { name: 'left', labels: { 'weir.dev/revision': 'canary', 'weir.dev/injection': 'disabled' } },
  { name: 'plain', labels: {} },
];

it('reliability/R31: pods of meshed namespaces without a sidecar are flagged, and no others', () => {
  const mesh = aMesh(
    aPod('forgotten'),
    aPod('forgotten-too', { namespace: 'canary' }),
    aPod('injected', { labels: { 'security.istio.io/tlsMode': 'istio' } }),
    aPod('left-out', { labels: { 'weir.dev/inject': 'false' } }),
    aPod('on-its-node', { addresses: [] }),
    aPod('elsewhere', { namespace: 'plain' }),
    aPod('elsewhere-too', { namespace: 'left' }),
  );
  const found = missingSidecars(mesh.rows(workloads), namespaces);
  expect(found.map(({ code, object }) => [code, object.namespace, object.name])).toEqual([
    ['IST0103', 'shop', 'forgotten'],
    ['IST0103', 'canary', 'forgotten-too'],
  ]);
});
