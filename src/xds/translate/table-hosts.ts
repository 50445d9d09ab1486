import type { Query } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, scopeKey } from '../../model/keys.ts';
import { equalHosts, hostsOfPort, proxiedHosts, type TableHost } from './route-hosts.ts';
import type { SharedTable } from './virtual-host.ts';

/**
 * The services of a table that several share, cut into pieces of some dozens in a row: an edit of one makes one piece
 * again. A piece begins at each host whose name's hash says so, and is called after it, so a host that comes or goes
 * leaves all other pieces as they are. Hosts that only policy knows are few and stand apart (`hostsWithoutService`):
 * otherwise every edit of routes would have to ask whether one of them came or went.
 */

/** First host -> the services of its piece. The key is `scope table`, the scope a client's. */
export const tableHosts: Query<string, ReadonlyMap<string, readonly TableHost[]>> = {
  name: 'tableHosts',
  compute(read, key) {
    const { scope, table } = tableOf(key);
    return cut(table === 'http_proxy' ? read(proxiedHosts, scope) : read(hostsOfPort, key));
  },
};

/** The services of one piece. The key is `scope table first`. */
export const pieceHosts: Query<string, readonly TableHost[]> = {
  name: 'pieceHosts',
  compute(read, key) {
    const [scope = '', table = '', first = ''] = partsOf(key);
    return read(tableHosts, compositeKey(scope, table)).get(first) ?? [];
  },
  equal: equalHosts,
};

/** @param key begins with `scope table` */
export function tableOf(key: string): SharedTable {
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
