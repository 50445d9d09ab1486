import type { HostDomains } from './domains.ts';

/**
 * Leaves each domain to one host: a name that a host declares before one that was derived from another's, else the
 * first (policy P114). Envoy refuses a table that names a domain twice.
 *
 * @returns the domains that are left to each host, in the order of the hosts; undefined where a host keeps all
 */
export function uniqueDomains(hosts: readonly HostDomains[]): readonly (readonly string[] | undefined)[] {
  const owner = new Map<string, number>();
  const claim = (domain: string, index: number): void => {
    if (!owner.has(domain)) owner.set(domain, index);
  };
  for (const [index, { declared }] of hosts.entries()) for (const domain of declared) claim(domain, index);
  for (const [index, { derived }] of hosts.entries()) for (const domain of derived) claim(domain, index);
  return hosts.map(({ declared, derived }, index) => {
    const isOwn = (domain: string): boolean => owner.get(domain) === index;
    if (declared.every(isOwn) && derived.every(isOwn)) return undefined;
    return [...declared, ...derived].filter(isOwn);
  });
}
