import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../incremental/definitions.ts';
import type { TokenRule } from '../model/authentication.ts';
import { compareText } from '../model/config-object.ts';
import type { ScopeKey } from '../model/keys.ts';
import type { ObjectReference } from '../model/provenance.ts';
import { keySets } from '../model/tables.ts';
import { readRequestAuthentication } from './decoded-objects.ts';
import { scopeFactsOf } from './scope.ts';
import { objectsForWorkload } from './workload-selectors.ts';

/** Which tokens callers of a workload may show (policy J1). */

export interface WorkloadAuthentication {
  /** By issuer. */
  readonly rules: readonly TokenRule[];
  /** The objects that say so. */
  readonly sources: readonly ObjectReference[];
}

/** The key is an inbound scope. */
export const workloadAuthentication: Query<ScopeKey, WorkloadAuthentication> = {
  name: 'workloadAuthentication',
  compute(read, scope) {
    const { namespace, labels } = scopeFactsOf(scope, 'inbound');
    const objects = objectsForWorkload(read, 'security.istio.io/RequestAuthentication', namespace, labels)
      .map((key) => readRequestAuthentication(read, key))
      .filter((object) => object !== undefined)
      .toSorted((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name));
    const rules = objects.flatMap((object) => object.rules).toSorted((a, b) => compareText(a.issuer, b.issuer));
    return { rules, sources: objects.map(({ reference }) => reference) };
  },
  equal: isDeepStrictEqual,
};

/** The public keys of an issuer as JSON; undefined: they were never fetched. The key is that of a key set. */
export const fetchedKeySet: Query<string, string | undefined> = {
  name: 'fetchedKeySet',
  compute: (read, key) => read(keySets, key)?.keys,
};
