import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostOf, labelOf } from './host-name.ts';

const aName = (more: Partial<Parameters<typeof hostOf>[0]> = {}) => ({
  namespace: 'public',
  group: 'DEFAULT_GROUP',
  service: 'orders',
  ...more,
});

describe('hosts of services of Nacos', () => {
  it.each([
    [aName(), 'orders.default-group.public.nacos'],
    [aName({ service: 'order-service' }), 'order-service.default-group.public.nacos'],
    [aName({ service: 'acme.orders' }), 'acme.orders.default-group.public.nacos'],
    [
      aName({ namespace: '6f1c2d3e-0000-4000-8000-000000000000' }),
      'orders.default-group.6f1c2d3e-0000-4000-8000-000000000000.nacos',
    ],
  ])('%o is %s', (name, host) => {
    expect(hostOf(name)).toBe(host);
  });

  it.each([
    'Orders',
    'order_service',
    'providers:com.acme.Orders:1.0:',
    'a@@b',
    'ü',
    '',
    '.',
    'a..b',
    '-a',
    'x'.repeat(300),
  ])('a name that is none in DNS becomes one that is its own: %s (registries/M8)', (service) => {
    const host = hostOf(aName({ service }));
    expect(host).toMatch(/x[0-9a-f]{10}\.default-group\.public\.nacos$/);
  });

  const anyText = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.stringMatching(/^[aA]?[_.-]?[bB]?(-x[0-9a-f]{10})?$/),
    fc.constantFrom('DEFAULT_GROUP', 'default-group', 'default_group'),
  );
  const anyName = fc.record({ namespace: anyText, group: anyText, service: anyText });

  it('every name gives a DNS name, and no two the same (registries/N50)', () => {
    fc.assert(
      fc.property(fc.tuple(anyName, anyName), ([a, b]) => {
        const [hostA, hostB] = [hostOf(a), hostOf(b)];
        expect(hostA.length).toBeLessThanOrEqual(253);
        for (const label of hostA.split('.')) expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        const isSame = a.namespace === b.namespace && a.group === b.group && a.service === b.service;
        expect(hostA === hostB).toBe(isSame);
      }),
      { seed: 7, numRuns: 5000 },
    );
  });

  it('a name that looks like one that was made cannot take its place', () => {
    const made = labelOf('Orders');
    expect(labelOf(made)).not.toBe(made);
  });
});
