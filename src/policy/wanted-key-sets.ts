import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../incremental/definitions.ts';
import { keySetKey, type FetchedKeys, type KeyOrigin } from '../model/authentication.ts';
import { compareText } from '../model/config-object.ts';
import { configs, configsByKind } from '../model/tables.ts';
import { requestAuthenticationIn } from './decoded-objects.ts';

/** The keys that have to be fetched, by key of their set. The key is always `all`. */
export const wantedKeySets: Query<'all', readonly FetchedKeys[]> = {
  name: 'wantedKeySets',
  compute(read) {
    const objects = read(configsByKind, 'security.istio.io/RequestAuthentication').map((key) =>
      requestAuthenticationIn(read(configs, key)),
    );
    const wanted = new Map<string, FetchedKeys>();
    for (const { keys } of objects.flatMap((object) => object?.rules ?? [])) {
      if (isFetched(keys)) wanted.set(keySetKey(keys), keys);
    }
    return [...wanted].toSorted(([a], [b]) => compareText(a, b)).map(([, origin]) => origin);
  },
  equal: isDeepStrictEqual,
};

function isFetched(keys: KeyOrigin): keys is FetchedKeys {
  return keys.kind !== 'inline';
}
