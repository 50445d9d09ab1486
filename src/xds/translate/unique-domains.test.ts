import { expect, it } from 'vitest';
import type { HostDomains } from './domains.ts';
import { domainOwners, domainsLeftTo } from './unique-domains.ts';

function left(hosts: readonly HostDomains[]): readonly (readonly string[] | undefined)[] {
  const owners = domainOwners(hosts.map((domains, index) => [index, domains]));
  return hosts.map((domains, index) => domainsLeftTo(index, domains, owners));
}

it('leaves hosts alone that share nothing (policy/P114)', () => {
  const hosts = [
    { declared: ['a.shop.svc'], derived: ['a'] },
    { declared: ['b.shop.svc'], derived: ['b'] },
  ];
  expect(left(hosts)).toEqual([undefined, undefined]);
});

it('gives a shared short name to the first (policy/P114)', () => {
  const hosts = [
    { declared: ['a.shop.svc'], derived: ['a', '10.0.0.1'] },
    { declared: ['a.depot.svc'], derived: ['a', '10.0.0.1', 'a.depot'] },
  ];
  expect(left(hosts)).toEqual([undefined, ['a.depot.svc', 'a.depot']]);
});

it('gives a name to the host that declares it, wherever that stands (policy/P114)', () => {
  const hosts = [
    { declared: ['a.shop.svc'], derived: ['a', 'a.shop'] },
    { declared: ['a.shop'], derived: [] },
    { declared: ['a'], derived: [] },
  ];
  expect(left(hosts)).toEqual([['a.shop.svc'], undefined, undefined]);
});
