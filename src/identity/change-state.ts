import { readState, writeState, type AuthorityState } from './authority-state.ts';
import { StoreError, type AuthorityStore, type Stored } from './authority-store.ts';
import { AuthorityError, bundleOf, trustedRoots } from './signer.ts';

/** Reads and changes what Weir keeps in a store, of which it is not the only writer. */

export interface ReadAuthority {
  readonly stored: Stored;
  readonly state: AuthorityState;
}

/** Tries of a write that others are faster with. */
const tries = 10;

/** @throws AuthorityError, StoreError */
export async function readAuthority(store: AuthorityStore): Promise<ReadAuthority> {
  const stored = await store.read();
  const state = stored.own === undefined ? { authority: undefined, tokenKey: undefined } : readState(stored.own);
  if (state.authority === undefined || stored.pluggedIn?.['ca-key.pem'] === undefined) return { stored, state };
  throw new AuthorityError(
    'there is an authority that Weir has made and ca-key.pem of another one: take away one of them; docs/how-to/identity.md says how to change from one to the other',
  );
}

/**
 * Changes the state as often as it takes for nobody to have come in between.
 *
 * @param change gives what is to be written; undefined: nothing
 * @returns what is there now, and whether this has written it
 * @throws AuthorityError, StoreError
 */
export async function changeState(
  store: AuthorityStore,
  change: (read: ReadAuthority) => Promise<AuthorityState | undefined>,
): Promise<ReadAuthority & { readonly isChanged: boolean }> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const read = await readAuthority(store);
    const state = await change(read);
    if (state === undefined) return { ...read, isChanged: false };
    const text = writeState(state);
    if (!(await store.write(text, read.stored.version))) continue;
    return { stored: { ...read.stored, own: text }, state, isChanged: true };
  }
  throw new StoreError(`${store.place} is written by others all the time, or does not keep what is written to it`);
}

/**
 * Has whoever runs the authority begin to replace its root.
 *
 * @returns false: a replacement is under way already
 * @throws AuthorityError: there is no root of Weir's. StoreError
 */
export async function requestRotation(store: AuthorityStore): Promise<boolean> {
  const { isChanged } = await changeState(store, async ({ state }) => {
    const { authority } = state;
    if (authority === undefined) {
      throw new AuthorityError('there is no root that Weir has made, and others it does not replace');
    }
    if (authority.rotation.kind !== 'steady') return undefined;
    return { ...state, authority: { ...authority, rotation: { kind: 'requested' } } };
  });
  return isChanged;
}

/**
 * PEM of the roots that hold now.
 *
 * @throws AuthorityError: there is no authority. StoreError
 */
export async function rootsOf(store: AuthorityStore): Promise<string> {
  const { stored, state } = await readAuthority(store);
  const further = stored.pluggedIn?.['root-cert.pem'] ?? '';
  const isThere = state.authority !== undefined || stored.pluggedIn?.['ca-key.pem'] !== undefined;
  if (isThere) return bundleOf(trustedRoots(state.authority?.roots.join('') ?? '', further));
  throw new AuthorityError(`there is no authority in ${store.place} yet: weir serve makes it`);
}
