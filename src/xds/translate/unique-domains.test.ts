import { expect, it } from 'vitest';
import { uniqueDomains } from './unique-domains.ts';

it('leaves hosts alone that share nothing (policy/P114)', () => {
  const hosts = [
    { declared: ['a.shop.svc'], derived: ['a'] },
    { declared: ['b.shop.svc'], derived: ['b'] },
  ];
  expect(uniqueDomains(hosts)).toEqual([undefined, undefined]);
});

it('gives a shared short name to the first (policy/P114)', () => {
  const hosts = [
    { declared: ['a.shop.svc'], derived: ['a', '10.0.0.1'] },
    { declared: ['a.depot.svc'], derived: ['a', '10.0.0.1', 'a.depot'] },
  ];
  expect(uniqueDomains(hosts)).toEqual([undefined, ['a.depot.svc', 'a.depot']]);
});

it('gives a name to the host that declares it, wherever that stands (policy/P114)', () => {
  const hosts = [
    { declared: ['a.shop.svc'], derived: ['a', 'a.shop'] },
    { declared: ['a.shop'], derived: [] },
    { declared: ['a'], derived: [] },
  ];
  expect(uniqueDomains(hosts)).toEqual([['a.shop.svc'], undefined, undefined]);
});
