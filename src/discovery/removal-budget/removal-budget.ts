import type { Write } from '../../incremental/commit.ts';
import type { Engine } from '../../incremental/engine.ts';
import type { EndpointShard } from '../../model/endpoint.ts';
import { serviceOfShardKey, type EndpointShardKey, type ServiceKey } from '../../model/keys.ts';
import type { Source } from '../../model/source.ts';
import { endpointShards, services, sourceProblems, sources } from '../../model/tables.ts';
import type { Log } from '../../observe/log.ts';
import type { TimedClock } from '../kubernetes/api/timed-clock.ts';
import { keyOf, rowOf } from '../table-match.ts';
import { judge, postponed, releaseDue, withoutHeld, type BudgetRules } from './budget.ts';
import {
  leavingOf,
  saidAfter,
  shardsBefore,
  shardsInForce,
  shardsNow,
  unknownService,
  usableOf,
  type GuardedService,
  type SaidChange,
} from './guarded-service.ts';
import { problemOfHolds } from './hold-problem.ts';
import { SourceDoubt } from './source-doubt.ts';

export interface RemovalBudgetOptions {
  /** Name of the source. */
  readonly source: string;
  readonly rules: BudgetRules;
  /** `warn`: everything leaves at once, and people are told what would have been held. */
  readonly mode: 'hold' | 'warn';
  /** What the rows that are in force are written through. */
  readonly engine: Pick<Engine, 'batch'>;
  readonly clock: TimedClock;
  readonly log: Log;
}

/** One service of which endpoints are held. */
export interface Hold {
  readonly source: string;
  readonly service: ServiceKey;
  /** Addresses and ports of those held. */
  readonly endpoints: readonly string[];
  /** How many its source names. */
  readonly named: number;
  /** Milliseconds since 1970 of the oldest. */
  readonly since: number;
  /** Milliseconds since 1970; undefined: not while the source is in doubt. */
  readonly nextRelease: number | undefined;
}

/** Why an endpoint is held no longer. */
type End = 'time' | 'return' | 'operator';

/** Who lets endpoints go that are held, and why. */
export interface Release {
  /** undefined: all of the source. */
  readonly service: ServiceKey | undefined;
  readonly who: string;
  readonly reason: string;
}

/** Since the start. */
export interface BudgetCounters {
  held: number;
  readonly ended: Record<End, number>;
}

interface Staged {
  readonly shards: Map<EndpointShardKey, EndpointShard | undefined>;
  isGone: boolean | undefined;
}

/**
 * Stands between a source and the tables: what the source stops naming leaves within a budget, and what is beyond it stays, degraded,
 * until it is back, its time is over, or an operator lets it go (reliability R51).
 */
export class RemovalBudget {
  readonly source: string;
  readonly counters: BudgetCounters = { held: 0, ended: { time: 0, return: 0, operator: 0 } };
  readonly #options: RemovalBudgetOptions;
  readonly #services = new Map<ServiceKey, GuardedService>();
  /** Endpoints on hold. */
  #held = 0;
  /** Services that have some. */
  readonly #holding = new Set<ServiceKey>();
  readonly #doubt: SourceDoubt;
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(options: RemovalBudgetOptions) {
    this.source = options.source;
    this.#options = options;
    this.#doubt = new SourceDoubt(options.rules.confirmation);
  }

  /** What the source writes through. */
  get writer(): Pick<Engine, 'batch'> {
    return {
      batch: (cause, change) =>
        this.#options.engine.batch(cause, (write) => {
          const staged = new Map<ServiceKey, Staged>();
          // Carried out at the end: a change that throws has changed nothing, and a service is judged as a whole.
          change(this.#stagingWrite(write, staged));
          for (const [key, change] of staged) this.#settle(write, key, change);
          this.#show(write);
        }),
    };
  }

  /** Lets nothing go by time after the signal. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  holds(): readonly Hold[] {
    const { clock } = this.#options;
    const offset = clock.now() - clock.monotonic();
    const { isStale } = this.#doubt;
    return [...this.#holding].flatMap((key) => {
      const service = this.#services.get(key);
      if (service === undefined) return [];
      const { ledger, kept, usable } = service;
      const endpoints = [...kept.values()].map(({ shard, endpoint }) =>
        [endpoint.address, ...new Set(Object.values(shard.ports))].join(':'),
      );
      const nextRelease = isStale || ledger.nextRelease === undefined ? undefined : ledger.nextRelease + offset;
      const since = Math.min(...ledger.held.values()) + offset;
      return [{ source: this.source, service: key, endpoints, named: usable, since, nextRelease }];
    });
  }

  /** Lets endpoints go that are held. Gives how many. */
  release({ service, who, reason }: Release): number {
    const keys = service === undefined ? [...this.#holding] : [service].filter((key) => this.#holding.has(key));
    return this.#letGo(keys, 'operator', (held) => ({ ...held, ledger: withoutHeld(held.ledger, held.kept.keys()) }), {
      who,
      reason,
    });
  }

  #stagingWrite(write: Write, staged: Map<ServiceKey, Staged>): Write {
    const of = (key: ServiceKey): Staged => {
      let change = staged.get(key);
      if (change === undefined) staged.set(key, (change = { shards: new Map(), isGone: undefined }));
      return change;
    };
    return {
      put: (table, row) => {
        const shard = rowOf(endpointShards, table, row);
        if (shard !== undefined) return void of(shard.service).shards.set(shard.key, shard);
        const service = rowOf(services, table, row);
        if (service !== undefined && this.#services.has(service.key)) of(service.key).isGone = false;
        const source = rowOf(sources, table, row);
        if (source?.name === this.source) this.#heardOf(source);
        write.put(table, row);
      },
      remove: (table, key) => {
        const shard = keyOf(endpointShards, table, key);
        const service = keyOf(services, table, key);
        if (shard !== undefined) of(serviceOfShardKey(shard)).shards.set(shard, undefined);
        else if (service !== undefined) of(service).isGone = true;
        else write.remove(table, key);
      },
    };
  }

  /** A source that was away may not know all again when it comes back. */
  #heardOf({ freshness }: Source): void {
    const at = this.#options.clock.monotonic();
    const until = this.#doubt.heard(freshness, at);
    if (until === undefined) return;
    for (const key of this.#holding) {
      const service = this.#services.get(key);
      if (service !== undefined) this.#services.set(key, { ...service, ledger: postponed(service.ledger, until) });
    }
    this.#expect(until);
  }

  #settle(write: Write, key: ServiceKey, { shards, isGone }: Staged): void {
    const before = this.#services.get(key) ?? unknownService;
    const judged = this.#judged(key, before, shards);
    this.#write(write, key, before, { ...judged, isGone: isGone ?? before.isGone });
  }

  #judged(key: ServiceKey, before: GuardedService, change: SaidChange): GuardedService {
    const at = this.#options.clock.monotonic();
    // Only what changed is looked at: a service may have thousands of endpoints in other shards.
    const wasUsable = usableOf(shardsBefore(before, change));
    const isUsable = usableOf(shardsNow(change));
    const leaving = leavingOf(shardsNow(change));
    const usable = before.usable - wasUsable.size + isUsable.size;
    // Who is held and is said to leave now has been meant as well.
    const meant = [...before.kept.keys()].filter((endpoint) => leaving.has(endpoint));
    const ledger = withoutHeld(before.ledger, meant);
    const lost = [...wasUsable.keys()].filter((endpoint) => !isUsable.has(endpoint) && !leaving.has(endpoint));
    const returned = [...ledger.held.keys()].filter((endpoint) => isUsable.has(endpoint));
    const gained = [...isUsable.keys()].filter((endpoint) => !wasUsable.has(endpoint) && !ledger.held.has(endpoint));
    const inDoubt = this.#doubt.isInDoubt(at, { lost: lost.length, gained: gained.length });
    const saying = { at, usable, lost, gained: gained.length, returned, inDoubt };
    const verdict = judge(ledger, saying, this.#options.rules);
    if (returned.length > 0) this.#ended(key, 'return', returned.length, {});
    if (verdict.held.length > 0) this.#tellOfHold(key, verdict.held.length, usable, inDoubt);
    const heldNow = this.#options.mode === 'warn' ? withoutHeld(verdict.ledger, verdict.held) : verdict.ledger;
    const kept = new Map(
      [...heldNow.held.keys()].flatMap((endpoint) => {
        const known = before.kept.get(endpoint) ?? wasUsable.get(endpoint);
        return known === undefined ? [] : [[endpoint, known] as const];
      }),
    );
    return { said: saidAfter(before, change), usable, ledger: heldNow, kept, isGone: before.isGone };
  }

  /** Brings the tables from one state of a service to another. */
  #write(write: Write, key: ServiceKey, before: GuardedService, after: GuardedService): void {
    const [was, is] = [shardsInForce(before), shardsInForce(after)];
    for (const [shardKey, shard] of is) if (was.get(shardKey) !== shard) write.put(endpointShards, shard);
    for (const shardKey of was.keys()) if (!is.has(shardKey)) write.remove(endpointShards, shardKey);
    this.#held += after.kept.size - before.kept.size;
    this.#expect(after.ledger.nextRelease ?? Infinity);
    if (after.kept.size > 0) this.#holding.add(key);
    else this.#holding.delete(key);
    // A service stays as long as one of its endpoints.
    if (after.isGone && after.kept.size === 0) write.remove(services, key);
    if (after.said.size === 0 && after.kept.size === 0 && after.ledger.balance.length === 0) this.#services.delete(key);
    else this.#services.set(key, after);
    this.#doubt.resized(after.usable - before.usable);
  }

  #letGo(
    keys: readonly ServiceKey[],
    by: End,
    next: (service: GuardedService) => GuardedService,
    details: { readonly who?: string; readonly reason?: string },
  ): number {
    let count = 0;
    const at = this.#options.clock.monotonic();
    this.#options.engine.batch({ source: this.source, at }, (write) => {
      for (const key of keys) {
        const before = this.#services.get(key);
        if (before === undefined) continue;
        const changed = next(before);
        const kept = new Map([...before.kept].filter(([endpoint]) => changed.ledger.held.has(endpoint)));
        const released = before.kept.size - kept.size;
        this.#write(write, key, before, { ...changed, kept });
        if (released > 0) this.#ended(key, by, released, details);
        count += released;
      }
      this.#show(write);
    });
    return count;
  }

  #releaseDue(): void {
    const { clock, rules } = this.#options;
    this.#alarm = undefined;
    // Unknown is not empty: time does not count while the source is away. Its return is another alarm.
    if (this.#doubt.isStale) return;
    const at = clock.monotonic();
    const due = [...this.#holding].filter((key) => (this.#services.get(key)?.ledger.nextRelease ?? Infinity) <= at);
    this.#letGo(
      due,
      'time',
      (service) => {
        const size = service.usable + service.kept.size;
        return { ...service, ledger: releaseDue(service.ledger, at, size, rules).ledger };
      },
      {},
    );
    for (const key of this.#holding) this.#expect(this.#services.get(key)?.ledger.nextRelease ?? Infinity);
  }

  #show(write: Write): void {
    const problem = problemOfHolds(this.source, this.#holding, this.#held);
    if (this.#holding.size === 0) write.remove(sourceProblems, problem.key);
    else write.put(sourceProblems, problem);
  }

  /** Wakes up then, or before. Who is woken for nothing looks when the next may leave. */
  #expect(at: number): void {
    if (at >= (this.#alarm?.at ?? Infinity)) return;
    const { clock } = this.#options;
    this.#alarm?.cancel();
    this.#alarm = { at, cancel: clock.after(Math.max(0, at - clock.monotonic()), () => this.#releaseDue()) };
  }

  #tellOfHold(service: ServiceKey, endpoints: number, named: number, inDoubt: boolean): void {
    const { log, mode } = this.#options;
    const why = inDoubt ? 'the source is in doubt as a whole' : 'the removal budget of the service does not cover it';
    const fields = { audit: 'removal-budget', source: this.source, service, endpoints, named, why };
    if (mode === 'warn') return log.warn('more endpoints left than the removal budget covers', fields);
    this.counters.held += endpoints;
    log.warn('removals are on hold', fields);
  }

  #ended(
    service: ServiceKey,
    by: End,
    endpoints: number,
    details: { readonly who?: string; readonly reason?: string },
  ): void {
    this.counters.ended[by] += endpoints;
    const fields = { audit: 'removal-budget', source: this.source, service, endpoints, by, ...details };
    this.#options.log.info('a hold has ended', fields);
  }
}
