import { isIP } from 'node:net';
import { isAddress } from '../../model/cidr.ts';

/**
 * The names under which clients may ask for one host: the domains of its virtual host (policy P114). All lower case,
 * because Envoy compares them so and refuses a route configuration that names one domain twice.
 */

export interface HostDomains {
  /** The host name itself, also with the trailing dot of an absolute name. */
  readonly declared: readonly string[];
  /** Shorter names and addresses; a declared name of another host wins over them. */
  readonly derived: readonly string[];
}

export interface DomainFacts {
  readonly hostname: string;
  /** Namespace and cluster domain of the client: how far a name may be shortened depends on them. */
  readonly namespace: string;
  readonly clusterDomain: string;
  /** Virtual addresses of the service; blocks are no host names and are left out. */
  readonly addresses: readonly string[];
  /** Members of a headless service are asked for as `pod.service`. */
  readonly membersHaveNames: boolean;
}

/** The domains of a host in a table whose matching ignores ports. */
export function domainsOfHost(facts: DomainFacts): HostDomains {
  const hostname = facts.hostname.toLowerCase();
  const shorter = shortNames(hostname, facts.namespace, facts.clusterDomain.toLowerCase());
  const declared = withTrailingDot(hostname);
  const members = facts.membersHaveNames ? [...shorter, ...declared].map((name) => `*.${name}`) : [];
  const addresses = facts.addresses.filter((address) => isAddress(address) && !isUnspecified(address));
  return { declared, derived: [...shorter, ...addresses.map(authorityOfAddress), ...members] };
}

/**
 * The domains of a host in the table of the explicit HTTP proxy, which serves every port and therefore compares ports:
 * names of port 80 also stand without it (policy P351).
 */
export function domainsWithPort(domains: HostDomains, port: number): HostDomains {
  const expand = (names: readonly string[]): readonly string[] => {
    const ported = names.map((name) => `${name}:${port}`);
    return port === 80 ? [...names, ...ported] : ported;
  };
  return { declared: expand(domains.declared), derived: expand(domains.derived) };
}

/** The namespace in the name of a cluster service, `reviews.shop.svc.cluster.local`; undefined: it is none. */
export function namespaceOfName(hostname: string, clusterDomain: string): string | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!hostname.endsWith(suffix)) return undefined;
  const name = hostname.slice(0, -suffix.length);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? undefined : name.slice(dot + 1);
}

/**
 * Names of a cluster service that a client may shorten: without the cluster domain, and its own namespace's without
 * more.
 */
function shortNames(hostname: string, namespace: string, clusterDomain: string): readonly string[] {
  const suffix = `.svc.${clusterDomain}`;
  const own = namespaceOfName(hostname, clusterDomain);
  if (own === undefined) return [];
  const name = hostname.slice(0, -suffix.length);
  const names = [name, `${name}.svc`];
  const local = name.slice(0, -own.length - 1);
  // A lone `*` would swallow every other host of the table.
  return own === namespace && local !== '*' ? [local, ...names] : names;
}

function withTrailingDot(hostname: string): readonly string[] {
  return hostname === '*' || hostname.endsWith('.') || isAddress(hostname)
    ? [isAddress(hostname) ? authorityOfAddress(hostname) : hostname]
    : [hostname, `${hostname}.`];
}

function authorityOfAddress(address: string): string {
  return isIP(address) === 6 ? `[${address.toLowerCase()}]` : address;
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
