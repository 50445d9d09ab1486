import type { HostDomains } from './domains.ts';

/** The domains that several hosts of a table have, and which of the hosts keeps each. */
export type DomainOwners<Host> = ReadonlyMap<string, Host>;

/**
 * Leaves each domain to one host: a name that a host declares before one that was derived from another's, else the
 * first (policy P114). Envoy refuses a table that names a domain twice.
 *
 * @param hosts with their domains, in the order of the table
 */
export function domainOwners<Host>(hosts: readonly (readonly [Host, HostDomains])[]): DomainOwners<Host> {
  const contested = contestedDomains(hosts);
  const owners = new Map<string, Host>();
  if (contested.size === 0) return owners;
  const claim = (host: Host, domains: readonly string[]): void => {
    for (const domain of domains) if (contested.has(domain) && !owners.has(domain)) owners.set(domain, host);
  };
  for (const [host, { declared }] of hosts) claim(host, declared);
  for (const [host, { derived }] of hosts) claim(host, derived);
  return owners;
}

/** Most tables have none, so that two looks at a few domains are cheaper than an owner for every domain. */
function contestedDomains(hosts: readonly (readonly [unknown, HostDomains])[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const contested = new Set<string>();
  const see = (domain: string): void => {
    if (seen.has(domain)) contested.add(domain);
    else seen.add(domain);
  };
  for (const [, { declared, derived }] of hosts) {
    declared.forEach(see);
    derived.forEach(see);
  }
  return contested;
}

/** The domains that are left to a host; undefined: all of them. */
export function domainsLeftTo<Host>(
  host: Host,
  { declared, derived }: HostDomains,
  owners: DomainOwners<Host>,
): readonly string[] | undefined {
  if (owners.size === 0) return undefined;
  const all = [...declared, ...derived];
  const left = all.filter((domain) => (owners.get(domain) ?? host) === host);
  return left.length === all.length ? undefined : left;
}
