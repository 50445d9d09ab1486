import type { Clock } from './clock.ts';
import type { Group, Onlooker, Seat } from './group.ts';
import type { DiscoveryRequest } from './requests.ts';
import type { ResourceStore } from './store.ts';
import type { Subscription } from './subscription.ts';

/** What a request is going to ask for. */
export interface Wish {
  readonly type: string;
  readonly scopes: readonly string[];
  readonly names: readonly string[];
  readonly everything: boolean;
}

/** So many names are worked out on the spot: it takes no longer than a turn. */
const few = 64;
/** Milliseconds after which a turn of the event loop ends. */
const longestTurn = 5;

/** @returns undefined: the request asks for little that is new */
export function wishOf(
  request: DiscoveryRequest,
  subscription: Subscription,
): Pick<Wish, 'names' | 'everything'> | undefined {
  const names = request.kind === 'delta' ? request.subscribe : request.names;
  const everything =
    !subscription.wildcard &&
    (names.includes('*') || (!subscription.started && names.length === 0 && subscription.type.wildcardWhenEmpty));
  // A list of everything that is wanted comes with each ACK.
  const known = request.kind === 'sotw' ? subscription.named.size : 0;
  return everything || names.length > known ? { names, everything } : undefined;
}

interface Job {
  readonly wish: Wish;
  readonly ready: () => void;
  seats: readonly Seat[];
  steps: Generator<void, void> | undefined;
}

/** Keeps what is worked out until the request follows it. */
const keeper: Onlooker = {
  noticed: () => undefined,
  report: () => ({ nodeId: '', standing: { kind: 'pending' } }),
};

/**
 * Works out what a request asks for before the request is carried out, a few milliseconds in each turn of the event loop: the first view
 * of a large mesh takes seconds, in which everybody else is served (hot-path H110, H1412).
 *
 * Requests have their turns one after the other, so that of a thousand that want the same the first does the work.
 */
export class Preparations {
  readonly #store: ResourceStore;
  readonly #clock: Clock;
  #jobs: Job[] = [];
  #isScheduled = false;

  constructor(store: ResourceStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * @param ready called when the request may be carried out, in a later turn
   * @returns ends it; undefined: there is too little to do, and `ready` is never called
   */
  begin(wish: Wish, ready: () => void): (() => void) | undefined {
    if (!this.#isWorthwhile(wish)) return undefined;
    const job: Job = { wish, ready, seats: [], steps: undefined };
    this.#jobs.push(job);
    this.#schedule();
    return () => this.#end(job);
  }

  #isWorthwhile({ type, scopes, names, everything }: Wish): boolean {
    let missing = 0;
    for (const scope of scopes) {
      const group = this.#store.group(type, scope);
      if (group === undefined) continue;
      for (const name of unknownTo(group, names, everything)) {
        if (++missing > few || group.hasSteps(name)) return true;
      }
    }
    return false;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#jobs.length === 0) return;
    this.#isScheduled = true;
    this.#clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    const end = this.#clock.now() + longestTurn;
    do {
      const [job] = this.#jobs;
      if (job === undefined) return;
      if (!this.#step(job)) continue;
      job.ready();
      this.#end(job);
    } while (this.#clock.now() < end);
    this.#schedule();
  }

  /** Whether that was the last one. */
  #step(job: Job): boolean {
    job.steps ??= this.#stepsOf(job);
    try {
      return job.steps.next().done === true;
    } catch {
      // It fails again when the request is carried out, and there it ends one stream.
      return true;
    }
  }

  *#stepsOf(job: Job): Generator<void, void> {
    const { type, scopes, names, everything } = job.wish;
    job.seats = scopes.map((scope) => this.#store.enter(type, scope, keeper));
    for (const { group, number } of job.seats) {
      for (const name of unknownTo(group, names, everything)) {
        yield* group.followInSteps(name, number);
        yield;
      }
    }
  }

  #end(job: Job): void {
    const index = this.#jobs.indexOf(job);
    if (index < 0) return;
    this.#jobs.splice(index, 1);
    job.steps?.return();
    for (const seat of job.seats) this.#store.leave(seat);
  }
}

/** What nobody has asked a group for yet. */
function* unknownTo(group: Group, names: readonly string[], everything: boolean): Generator<string, void> {
  for (const name of names) if (name !== '*' && !group.knows(name)) yield name;
  if (everything) for (const name of group.namesOfAll()) if (!group.knows(name)) yield name;
}
