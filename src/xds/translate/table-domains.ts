import { isDeepStrictEqual } from 'node:util';
import type { Keep, Query, Read } from '../../incremental/definitions.ts';
import { compositeKey } from '../../model/keys.ts';
import { equalLists } from '../../policy/equality.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import type { HostDomains } from './domains.ts';
import { hostsWithoutService, type TableHost } from './route-hosts.ts';
import { pieceHosts, tableHosts, tableOf } from './table-hosts.ts';
import { domainOwners, domainsLeftTo, type DomainOwners } from './unique-domains.ts';
import { hostId, type OwnersFor, type SharedTable } from './virtual-host.ts';
import { plainHost, plainHostKey } from './virtual-host-plain.ts';

/** Which host of a table keeps a domain that several have. */

/** The domains that the services of one piece would have by themselves. The key is `scope table first`. */
const pieceDomains: Query<string, readonly HostDomains[]> = {
  name: 'pieceDomains',
  compute: (read, key) => domainsOf(read, tableOf(key), read(pieceHosts, key)),
  equal: (a, b) => equalLists(a, b, isDeepStrictEqual),
};

/**
 * Which services of a table keep the domains that several of them have. Routes have no part in it, so that their edits
 * do not even ask. The key is `scope table`, the scope a client's.
 */
const serviceDomains: Query<string, DomainOwners<string>> = {
  name: 'serviceDomains',
  compute: (read, key) => ownersAmong(servicesOf(read, key)),
  equal: isDeepStrictEqual,
};

/** Which hosts of a table keep the domains that several have. The key is `scope table`, the scope a client's. */
const tableDomains: Query<string, DomainOwners<string>> = {
  name: 'tableDomains',
  compute: (read, key) =>
    read(hostsWithoutService, key).length === 0 ? read(serviceDomains, key) : ownersAmong(allOf(read, key)),
  equal: isDeepStrictEqual,
};

/** A host that only policy knows takes a domain from a service only if policy speaks of that domain. */
export function ownersFor(read: Read, { scope, table }: SharedTable): OwnersFor {
  const key = compositeKey(scope, table);
  return ({ service }, { mayYield }) => read(service === undefined || mayYield ? tableDomains : serviceDomains, key);
}

/** The hosts of a table that are left a domain, in order. @param key `scope table`, the scope a client's */
export function hostsOfTable(read: Read, key: string): readonly TableHost[] {
  const owners = read(tableDomains, key);
  if (owners.size === 0) return [...[...read(tableHosts, key).values()].flat(), ...read(hostsWithoutService, key)];
  return allOf(read, key)
    .filter(([host, domains]) => domainsLeftTo(hostId(host), domains, owners)?.length !== 0)
    .map(([host]) => host);
}

/** Works out what each piece has a say about, one by one, as steps. @param key `scope table`, the scope a client's */
export function* domainSteps(read: Read, keep: Keep, key: string): Generator<void, void> {
  for (const first of read(tableHosts, key).keys()) {
    keep(pieceDomains, compositeKey(key, first));
    yield;
  }
}

type HostWithDomains = readonly [TableHost, HostDomains];

function servicesOf(read: Read, key: string): readonly HostWithDomains[] {
  const pieces = [...read(tableHosts, key)];
  return pieces.flatMap(([first, hosts]) => paired(hosts, read(pieceDomains, compositeKey(key, first))));
}

function allOf(read: Read, key: string): readonly HostWithDomains[] {
  const others = read(hostsWithoutService, key);
  return [...servicesOf(read, key), ...paired(others, domainsOf(read, tableOf(key), others))];
}

function paired(hosts: readonly TableHost[], domains: readonly HostDomains[]): readonly HostWithDomains[] {
  return hosts.map((host, index) => [host, domains[index] ?? { declared: [], derived: [] }]);
}

function domainsOf(read: Read, { scope, matching }: SharedTable, hosts: readonly TableHost[]): readonly HostDomains[] {
  const client = scopeFactsOf(scope, 'client');
  return hosts.map((host) => read(plainHost, plainHostKey(client, host, matching)).domains);
}

function ownersAmong(hosts: readonly HostWithDomains[]): DomainOwners<string> {
  return new Map([...domainOwners(hosts)].map(([domain, host]) => [domain, hostId(host)]));
}
