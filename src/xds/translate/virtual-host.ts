import { ReadFailure } from '../../incremental/commit.ts';
import type { Query, Read } from '../../incremental/definitions.ts';
import type { ScopeKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import type { TableHost } from './route-hosts.ts';
import { domainsLeftTo, type DomainOwners } from './unique-domains.ts';
import {
  encodeDomains,
  encodeName,
  entryStart,
  plainHost,
  plainHostKey,
  type HostMatching,
  type PlainHost,
} from './virtual-host-plain.ts';
import {
  hostRoutesKey,
  httpRoutes,
  tunnelRoutes,
  unavailableRoutes,
  type VirtualHostRoutes,
} from './virtual-host-routes.ts';

/** A table that services share, as one client sees it. */
export interface SharedTable {
  /** A client's. */
  readonly scope: ScopeKey;
  /** Its name. */
  readonly table: string;
  readonly matching: HostMatching;
}

/** Something encoded, in parts that stand in a row, and which objects made it so. */
export interface EncodedParts {
  readonly parts: readonly Uint8Array[];
  readonly provenance: readonly Provenance[];
}

/** Who keeps the domains that a host shares with others. */
export type OwnersFor = (host: TableHost, plain: PlainHost) => DomainOwners<string>;

const nothing: EncodedParts = { parts: [], provenance: [] };

/** The name of a host inside a table. */
export function hostId({ hostname, port }: TableHost): string {
  return `${hostname}:${port}`;
}

/**
 * The `virtual_hosts` entry of a host in a route configuration; nothing when other hosts have all its domains, since
 * Envoy wants no virtual host without.
 */
export function entryOfHost(read: Read, table: SharedTable, host: TableHost, ownersOf: OwnersFor): EncodedParts {
  const { plain, domains, routes } = compose(read, table, host, ownersOf);
  if (domains === undefined && routes === undefined) return { parts: [plain.entry], provenance: plain.provenance };
  if (domains?.length === 0) return nothing;
  const parts = [encodeName(hostId(host)), ...bodyOf(plain, domains, routes)];
  return { parts: [entryStart(parts), ...parts], provenance: provenanceOf(plain, routes) };
}

/**
 * A virtual host that is delivered by itself, under a name of its own; undefined: other hosts have all its domains.
 *
 * @param name of the message
 */
export function hostByItself(
  read: Read,
  table: SharedTable,
  host: TableHost,
  { ownersOf, name }: { readonly ownersOf: OwnersFor; readonly name: string },
): EncodedParts | undefined {
  const { plain, domains, routes } = compose(read, table, host, ownersOf);
  if (domains?.length === 0) return undefined;
  return { parts: [encodeName(name), ...bodyOf(plain, domains, routes)], provenance: provenanceOf(plain, routes) };
}

/** The entry of the only host of the table of a service: connections come to the service's own address, whatever name the client has for it. */
export function entryOfOwnHost(read: Read, scope: ScopeKey, host: TableHost): EncodedParts {
  const { plain, routes } = compose(read, { scope, table: hostId(host), matching: 'any-port' }, host, noOwners);
  const parts = [encodeName(hostId(host)), ...bodyOf(plain, ['*'], routes)];
  return { parts: [entryStart(parts), ...parts], provenance: provenanceOf(plain, routes) };
}

const noOwners: OwnersFor = () => new Map();

/** A host of a table: what it would be by itself, and what is otherwise. */
interface Composition {
  readonly plain: PlainHost;
  /** undefined: all of its own. */
  readonly domains: readonly string[] | undefined;
  /** One after the other; undefined: the plain ones. */
  readonly routes: readonly VirtualHostRoutes[] | undefined;
}

function compose(
  read: Read,
  { scope, table, matching }: SharedTable,
  host: TableHost,
  ownersOf: OwnersFor,
): Composition {
  const plain = read(plainHost, plainHostKey(scopeFactsOf(scope, 'client'), host, matching));
  const domains = domainsLeftTo(hostId(host), plain.domains, ownersOf(host, plain));
  const key = hostRoutesKey(scope, host.port, host.hostname);
  const http = host.http ? readRoutes(read, httpRoutes, key) : undefined;
  if (!(host.tunnel && table === 'http_proxy')) return { plain, domains, routes: http && [http] };
  const tunnel = readRoutes(read, tunnelRoutes, key);
  const plainHttp = { bytes: plain.entry.subarray(plain.routesAt), provenance: [] };
  return { plain, domains, routes: host.http ? [tunnel, http ?? plainHttp] : [tunnel] };
}

/** A mistake in the routes of one host must not take the table from the others. */
function readRoutes<Routes extends VirtualHostRoutes | undefined>(
  read: Read,
  routes: Query<string, Routes>,
  key: string,
): Routes | VirtualHostRoutes {
  try {
    return read(routes, key);
  } catch (error) {
    if (error instanceof ReadFailure) return unavailableRoutes;
    throw error;
  }
}

/** The message behind the name. */
function bodyOf(
  plain: PlainHost,
  domains: readonly string[] | undefined,
  routes: readonly VirtualHostRoutes[] | undefined,
): readonly Uint8Array[] {
  const { entry, domainsAt, routesAt } = plain;
  return [
    domains === undefined ? entry.subarray(domainsAt, routesAt) : encodeDomains(domains),
    ...(routes === undefined ? [entry.subarray(routesAt)] : routes.map(({ bytes }) => bytes)),
  ];
}

function provenanceOf(plain: PlainHost, routes: readonly VirtualHostRoutes[] | undefined): readonly Provenance[] {
  return routes === undefined ? plain.provenance : routes.flatMap(({ provenance }) => provenance);
}
