import { isDeepStrictEqual } from 'node:util';
import type { Keep, Query, Read } from '../../incremental/definitions.ts';
import { compositeKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import { equalLists } from '../../policy/equality.ts';
import { joinParts } from '../wire.ts';
import { equalBytes } from './bytes.ts';
import { hostsWithoutService, type TableHost } from './route-hosts.ts';
import { domainSteps, ownersFor } from './table-domains.ts';
import { pieceHosts, tableHosts, tableOf } from './table-hosts.ts';
import { entryOfHost, type EncodedParts, type SharedTable } from './virtual-host.ts';

/** The `virtual_hosts` entries of the services of one piece. The key is `scope table first`. */
const tablePiece: Query<string, EncodedParts> = {
  name: 'tablePiece',
  compute(read, key) {
    const { parts, provenance } = entriesOf(read, tableOf(key), read(pieceHosts, key));
    return { parts: [joinParts(parts)], provenance };
  },
  equal: equalParts,
};

/** The `virtual_hosts` entries of hosts that only policy knows. The key is `scope table`, the scope a client's. */
const policyPiece: Query<string, EncodedParts> = {
  name: 'policyPiece',
  compute: (read, key) => entriesOf(read, tableOf(key), read(hostsWithoutService, key)),
  equal: equalParts,
};

/** The hosts of a table, encoded, in pieces that stand in a row. @param key `scope table`, the scope a client's */
export function tablePieces(read: Read, key: string): readonly EncodedParts[] {
  const services = [...read(tableHosts, key).keys()].map((first) => read(tablePiece, compositeKey(key, first)));
  return [...services, read(policyPiece, key)];
}

/** Works out the pieces one by one, as steps. @param key `scope table`, the scope a client's */
export function* pieceSteps(read: Read, keep: Keep, key: string): Generator<void, void> {
  // Each piece asks who keeps a domain, and that asks all of them.
  yield* domainSteps(read, keep, key);
  for (const first of read(tableHosts, key).keys()) {
    keep(tablePiece, compositeKey(key, first));
    yield;
  }
}

function entriesOf(read: Read, table: SharedTable, hosts: readonly TableHost[]): EncodedParts {
  const ownersOf = ownersFor(read, table);
  const parts: Uint8Array[] = [];
  const provenance: Provenance[] = [];
  for (const host of hosts) {
    const entry = entryOfHost(read, table, host, ownersOf);
    parts.push(...entry.parts);
    provenance.push(...entry.provenance);
  }
  return { parts, provenance };
}

function equalParts(a: EncodedParts, b: EncodedParts): boolean {
  return equalLists(a.parts, b.parts, equalBytes) && equalLists(a.provenance, b.provenance, isDeepStrictEqual);
}
