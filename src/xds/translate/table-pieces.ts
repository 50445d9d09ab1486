import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, scopeKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import { equalLists } from '../../policy/equality.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { equalBytes } from './bytes.ts';
import type { HostDomains } from './domains.ts';
import { equalHosts, hostsOfPort, proxiedHosts, type TableHost } from './route-hosts.ts';
import { domainOwners, type DomainOwners } from './unique-domains.ts';
import { entryOfHost, hostId, type EncodedParts, type SharedTable } from './virtual-host.ts';
import { plainHost, plainHostKey } from './virtual-host-plain.ts';

/**
 * A table that services share, cut into pieces of some dozens of hosts in a row: an edit of one host makes one piece
 * again. A piece begins at each host whose name's hash says so, and is called after it, so a host that comes or goes
 * leaves all other pieces as they are.
 */

/** First host -> the hosts of its piece. The key is `scope table`, the scope a client's. */
const tableHosts: Query<string, ReadonlyMap<string, readonly TableHost[]>> = {
  name: 'tableHosts',
  compute(read, key) {
    const { scope, table } = tableOf(key);
    const hosts = table === 'http_proxy' ? read(proxiedHosts, scope) : read(hostsOfPort, key);
    return cut(hosts);
  },
};

/** The hosts of one piece. The key is `scope table first`. */
const pieceHosts: Query<string, readonly TableHost[]> = {
  name: 'pieceHosts',
  compute(read, key) {
    const [scope = '', table = '', first = ''] = partsOf(key);
    return read(tableHosts, compositeKey(scope, table)).get(first) ?? [];
  },
  equal: equalHosts,
};

/** The domains that the hosts of one piece would have by themselves. The key is `scope table first`. */
const pieceDomains: Query<string, readonly HostDomains[]> = {
  name: 'pieceDomains',
  compute(read, key) {
    const { scope, matching } = tableOf(key);
    const client = scopeFactsOf(scope, 'client');
    return read(pieceHosts, key).map((host) => read(plainHost, plainHostKey(client, host, matching)).domains);
  },
  equal: (a, b) => equalLists(a, b, isDeepStrictEqual),
};

/**
 * Which hosts of a table keep the domains that several have. Edits of routes leave it alone, and nearly all others come
 * out equal. The key is `scope table`.
 */
const tableDomains: Query<string, DomainOwners<string>> = {
  name: 'tableDomains',
  compute(read, key) {
    const pieces = [...read(tableHosts, key)].map(([first, hosts]) => {
      const domains = read(pieceDomains, compositeKey(key, first));
      return hosts.map((host, index) => [host, domains[index] ?? noDomains] as const);
    });
    return new Map([...domainOwners(pieces.flat())].map(([domain, host]) => [domain, hostId(host)]));
  },
  equal: isDeepStrictEqual,
};

const noDomains: HostDomains = { declared: [], derived: [] };

/** The `virtual_hosts` entries of the hosts of one piece. The key is `scope table first`. */
const tablePiece: Query<string, EncodedParts> = {
  name: 'tablePiece',
  compute(read, key) {
    const table = tableOf(key);
    const owners = read(tableDomains, compositeKey(table.scope, table.table));
    const parts: Uint8Array[] = [];
    const provenance: Provenance[] = [];
    for (const host of read(pieceHosts, key)) {
      const entry = entryOfHost(read, table, host, owners);
      parts.push(...entry.parts);
      provenance.push(...entry.provenance);
    }
    return { parts, provenance };
  },
  equal: (a, b) =>
    equalLists(a.parts, b.parts, equalBytes) && equalLists(a.provenance, b.provenance, isDeepStrictEqual),
};

/** The pieces of a table, in order. @param key `scope table`, the scope a client's */
export function tablePieces(read: Read, key: string): readonly EncodedParts[] {
  return [...read(tableHosts, key).keys()].map((first) => read(tablePiece, compositeKey(key, first)));
}

/** @param key begins with `scope table` */
function tableOf(key: string): SharedTable {
  const [scope = '', table = ''] = partsOf(key);
  return { scope: scopeKey(scope), table, matching: table === 'http_proxy' ? 'exact-port' : 'any-port' };
}

function cut(hosts: readonly TableHost[]): ReadonlyMap<string, readonly TableHost[]> {
  const pieces = new Map<string, TableHost[]>();
  let piece: TableHost[] = [];
  let previous = '';
  for (const host of hosts) {
    const { hostname } = host;
    // Whatever stands before the first host that begins a piece is one too.
    const begins = hostname !== previous && beginsPiece(hostname);
    if (begins || pieces.size === 0) pieces.set(begins ? hostname : '', (piece = []));
    piece.push(host);
    previous = hostname;
  }
  return pieces;
}

/** One name in 64, by its FNV-1a hash. */
function beginsPiece(hostname: string): boolean {
  let hash = 0x811c9dc5;
  for (let index = 0; index < hostname.length; index++) {
    hash = Math.imul(hash ^ hostname.charCodeAt(index), 0x01000193);
  }
  // The upper bits, since the lower ones depend on the last characters alone.
  return hash >>> 26 === 0;
}
