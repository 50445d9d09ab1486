import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.ts';

const known = ['Service', 'ServiceEntry', 'VirtualService', 'DestinationRule', 'Pod'];

it.each([
  ['VirtualServce', 'VirtualService'],
  ['virtualservice', 'VirtualService'],
  ['VirtaulService', 'VirtualService'],
  ['DestinationRules', 'DestinationRule'],
  ['Servcie', 'Service'],
  ['Pot', 'Pod'],
  ['Deployment', undefined],
  ['', undefined],
  ['x'.repeat(1_000), undefined],
])('takes %s for %s', (written, meant) => {
  expect(nearestName(written, known)).toBe(meant);
});
