/**
 * What may leave at once when a registry stops naming endpoints, and what is held because so much left that the registry may be wrong
 * (reliability R25, R51). Pure: it is told what a source says and what time it is.
 */

export interface BudgetRules {
  /** Of a service's endpoints may leave in a window, at least one: a number, or a share of them above 0 and up to 1. */
  readonly most:
    { readonly kind: 'count'; readonly count: number } | { readonly kind: 'share'; readonly share: number };
  /** Milliseconds. */
  readonly window: number;
  /** Milliseconds from a sharp drop, or from the return of a source, to the first removal: who was lost by mistake is back by then. */
  readonly confirmation: number;
}

/** How much of a service's budget is used. */
export interface Ledger {
  /** Losses and, below zero, gains within the window, oldest first. */
  readonly balance: readonly { readonly at: number; readonly endpoints: number }[];
  /** Endpoints that are held, and since when: milliseconds of the clock that never goes back. */
  readonly held: ReadonlyMap<string, number>;
  /** When the next of those held may leave; undefined: none is held. */
  readonly nextRelease: number | undefined;
}

export const emptyLedger: Ledger = { balance: [], held: new Map(), nextRelease: undefined };

/** What a source says of a service. */
export interface Saying {
  /** Milliseconds of the clock that never goes back. */
  readonly at: number;
  /** How many are usable now. */
  readonly usable: number;
  /** Those that were usable, are not held, and are not usable any more without anybody having meant it. */
  readonly lost: readonly string[];
  /** How many are usable that were not, and were not held either. */
  readonly gained: number;
  /** Those that were held and are usable again. */
  readonly returned: readonly string[];
  /** Whether the source as a whole is in doubt: then nothing leaves. */
  readonly inDoubt: boolean;
}

export interface Verdict {
  readonly ledger: Ledger;
  /** Of those lost: they stay, degraded. The others leave. */
  readonly held: readonly string[];
}

/**
 * Judges a change. Losses that the budget covers pass at once, where what came in the window pays for what left; of a sharper drop, and of
 * the last endpoint, nothing leaves before the confirmation time is over.
 */
export function judge(before: Ledger, saying: Saying, rules: BudgetRules): Verdict {
  const { at, usable, lost, gained, inDoubt } = saying;
  const ledger = withoutHeld(current(before, at, rules), saying.returned);
  const net = lost.length - gained;
  const spent = Math.max(0, sumOf(ledger));
  const size = usable + lost.length + ledger.held.size + spent - gained;
  const isEmptied = usable === 0;
  const isSharp = inDoubt || isEmptied || spent + net > allowance(size, rules);
  if (lost.length === 0 || !isSharp) return { ledger: booked(ledger, at, net), held: [] };
  const held = new Map([...ledger.held, ...lost.map((endpoint) => [endpoint, at] as const)]);
  const nextRelease = ledger.nextRelease ?? at + rules.confirmation;
  return { ledger: { ...booked(ledger, at, -gained), held, nextRelease }, held: lost };
}

/** Lets go of what has been held long enough, oldest first, as much as the budget allows in one window. */
export function releaseDue(before: Ledger, at: number, size: number, rules: BudgetRules): ReleaseVerdict {
  if (before.nextRelease === undefined || at < before.nextRelease) return { ledger: before, released: [] };
  const released = [...before.held.keys()].slice(0, allowance(size, rules));
  const ledger = withoutHeld(current(before, at, rules), released);
  const nextRelease = ledger.held.size === 0 ? undefined : at + rules.window;
  return { ledger: { ...booked(ledger, at, released.length), nextRelease }, released };
}

interface ReleaseVerdict {
  readonly ledger: Ledger;
  /** They leave now. */
  readonly released: readonly string[];
}

/** Does not hold these any more, whatever the reason. */
export function withoutHeld(ledger: Ledger, endpoints: Iterable<string>): Ledger {
  const held = new Map(ledger.held);
  for (const endpoint of endpoints) held.delete(endpoint);
  if (held.size === ledger.held.size) return ledger;
  return { ...ledger, held, nextRelease: held.size === 0 ? undefined : ledger.nextRelease };
}

/** Nothing leaves before. */
export function postponed(ledger: Ledger, until: number): Ledger {
  if (ledger.nextRelease === undefined || ledger.nextRelease >= until) return ledger;
  return { ...ledger, nextRelease: until };
}

/** How many may leave in a window. */
function allowance(size: number, { most }: BudgetRules): number {
  return most.kind === 'count' ? most.count : Math.max(1, Math.floor(size * most.share));
}

function current(ledger: Ledger, at: number, { window }: BudgetRules): Ledger {
  const balance = ledger.balance.filter((entry) => entry.at > at - window);
  return balance.length === ledger.balance.length ? ledger : { ...ledger, balance };
}

function booked(ledger: Ledger, at: number, endpoints: number): Ledger {
  return endpoints === 0 ? ledger : { ...ledger, balance: [...ledger.balance, { at, endpoints }] };
}

/** Gains pay for losses, whichever came first; more gains than losses are no credit for a later drop. */
function sumOf({ balance }: Ledger): number {
  return balance.reduce((sum, { endpoints }) => sum + endpoints, 0);
}
