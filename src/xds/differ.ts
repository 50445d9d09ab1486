import type { Resource } from './resources.ts';

/** What differs, as pure functions: between lists of names, between views, and between the parts of a rejected response. */

/** Names that a client wants. Going through them takes longer than asking for one. */
export type Names = Iterable<string> & { readonly size: number; has(name: string): boolean };

/** What a client wants of a type: everything in its view, single names, or both. */
export interface Interest {
  readonly wildcard: boolean;
  readonly named: Names;
  /** Whether any request has listed a name yet, `*` included. */
  readonly hasListed: boolean;
}

export interface InterestChange {
  readonly wildcard: boolean;
  readonly added: readonly string[];
  readonly dropped: readonly string[];
}

/**
 * What a SotW request's list of names changes (xds-protocol X39). The list is the whole interest each time, except that an empty
 * one means everything in the first request of a type that has wildcards, and goes on meaning it until names were given.
 *
 * @param before undefined in the first request of the type
 */
export function interestChange(
  before: Interest | undefined,
  names: readonly string[],
  wildcardWhenEmpty: boolean,
): InterestChange {
  if (names.length === 0) {
    const keepsLegacyWildcard = before === undefined ? wildcardWhenEmpty : before.wildcard && !before.hasListed;
    return { wildcard: keepsLegacyWildcard, added: [], dropped: [...(before?.named ?? [])] };
  }
  const wanted = new Set(names);
  const wildcard = wanted.delete('*');
  const named: Names = before?.named ?? new Set();
  const added = [...wanted].filter((name) => !named.has(name));
  // An ACK repeats the list, and then nothing is looked up but what it names (xds-protocol X156).
  const dropped = wanted.size - added.length === named.size ? [] : [...named].filter((name) => !wanted.has(name));
  return { wildcard, added, dropped };
}

/** The names under which two views differ, with what the first had there (hot-path H215). */
export function differenceOfViews(
  before: ReadonlyMap<string, Resource>,
  after: ReadonlyMap<string, Resource>,
): ReadonlyMap<string, Resource | undefined> {
  const different = new Map<string, Resource | undefined>();
  for (const [name, resource] of before) {
    if (after.get(name)?.version !== resource.version) different.set(name, resource);
  }
  for (const name of after.keys()) if (!before.has(name)) different.set(name, undefined);
  return different;
}

/**
 * The names that a client's error message is about. Envoy names what it refused (`Error adding/updating cluster(s) c6: …`), but
 * rejects a response as a whole, and then without names, when a message breaks a rule of its protobuf type (xds-protocol X305).
 */
export function namesIn(message: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => name !== '' && isMentioned(message, name));
}

function isMentioned(message: string, name: string): boolean {
  // Route configurations are called `80`: a bare number may be anything else in the message.
  if (/^\d+$/.test(name)) return new RegExp(`\\b(?:route|configuration|listener|cluster)\\S* ${name}\\b`).test(message);
  for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1)) {
    const before = message.charAt(at - 1);
    const after = message.slice(at + name.length, at + name.length + 2);
    if (!/[\w|.-]/.test(before) && !/^(?:[\w|-]|\.\w)/.test(after)) return true;
  }
  return false;
}

/** What to send again, response by response, after a rejected one: never the whole of it (xds-protocol X49, X304). */
export interface Aftermath {
  /** Certainly or probably at fault: not sent again as they are. */
  readonly culprits: readonly string[];
  /** The other names, in the groups in which they are sent again. */
  readonly retries: readonly (readonly string[])[];
}

/**
 * Divides the names of a rejected response. Where the message names the guilty, the others go again together. Where it names
 * nobody, the client may have dropped all of them, so each half goes again by itself: the bad one is alone after a few
 * rejections, and all others are in force.
 */
export function aftermathOf(message: string, names: readonly string[]): Aftermath {
  if (names.length <= 1) return { culprits: names, retries: [] };
  const culprits = namesIn(message, names);
  if (culprits.length > 0) {
    const guilty = new Set(culprits);
    const innocent = names.filter((name) => !guilty.has(name));
    return { culprits, retries: innocent.length > 0 ? [innocent] : [] };
  }
  const middle = Math.ceil(names.length / 2);
  return { culprits: [], retries: [names.slice(0, middle), names.slice(middle)] };
}
