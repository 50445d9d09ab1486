import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LastGood } from '../discovery/last-good/last-good.ts';
import type { TimedClock } from '../discovery/kubernetes/api/timed-clock.ts';
import { RemovalBudget, type Hold, type Release } from '../discovery/removal-budget/removal-budget.ts';
import type { SharedRows, SharingSource } from '../discovery/shared-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { describeError, type Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Settings } from './settings.ts';

export interface RegistryLayersOptions {
  readonly settings: Pick<Settings, 'removalBudget' | 'removalBudgetConfirmation' | 'removalBudgetMode' | 'stateDir'>;
  readonly shared: Pick<SharedRows, 'writerOf'>;
  readonly clock: TimedClock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** There is no place for last good states. */
export class StateDirError extends Error {
  override readonly name = 'StateDirError';
}

interface Layered {
  readonly lastGood: LastGood | undefined;
  readonly writer: Pick<Engine, 'batch'>;
}

/**
 * What stands between the tables and a registry that infers from silence what is gone: from the registry on, its last good state on disk, its
 * removal budget, and the rows that it shares with others.
 */
export class RegistryLayers {
  readonly #options: RegistryLayersOptions;
  readonly #budgets: RemovalBudget[] = [];
  readonly #layered: Layered[] = [];

  constructor(options: RegistryLayersOptions) {
    this.#options = options;
    options.metrics.beforeExposition(() => this.#measure());
  }

  /** What the registry writes through. To be asked once for each, before `restore`. */
  writerOf(source: SharingSource): Pick<Engine, 'batch'> {
    const { settings, shared, clock, log } = this.#options;
    const inner = shared.writerOf(source);
    const lastGood =
      settings.stateDir === undefined
        ? undefined
        : new LastGood({ source, path: join(settings.stateDir, `${source.name}.last-good`), clock, log });
    const recorded = lastGood === undefined ? inner : lastGood.recorded(inner);
    const writer = this.#budgeted(source, recorded);
    this.#layered.push({ lastGood, writer });
    return lastGood === undefined ? writer : lastGood.restored(writer);
  }

  /**
   * Reads what is on disk. To be settled before a registry runs.
   *
   * @throws StateDirError when the directory cannot be made
   */
  async restore(): Promise<void> {
    const { stateDir } = this.#options.settings;
    if (stateDir === undefined || this.#layered.length === 0) return;
    await mkdir(stateDir, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      const advice = 'name one that Weir may write to, or leave out --state-dir';
      throw new StateDirError(`the state directory ${stateDir} cannot be made: ${describeError(cause)}; ${advice}`, {
        cause,
      });
    });
    for (const { lastGood, writer } of this.#layered) await lastGood?.restore(writer);
  }

  async run(signal: AbortSignal): Promise<void> {
    const lastGoods = this.#layered.flatMap(({ lastGood }) => lastGood ?? []);
    await Promise.all([...lastGoods, ...this.#budgets].map((part) => part.run(signal)));
  }

  holds(): readonly Hold[] {
    return this.#budgets.flatMap((budget) => budget.holds());
  }

  /**
   * Lets endpoints go that are held. Gives how many.
   *
   * @param source undefined: whichever holds them
   */
  release({ source, ...release }: Release & { readonly source: string | undefined }): number {
    const budgets = this.#budgets.filter((budget) => source === undefined || budget.source === source);
    return budgets.reduce((sum, budget) => sum + budget.release(release), 0);
  }

  #budgeted({ name }: SharingSource, engine: Pick<Engine, 'batch'>): Pick<Engine, 'batch'> {
    const { settings, clock, log } = this.#options;
    const { removalBudget, removalBudgetConfirmation: confirmation, removalBudgetMode: mode } = settings;
    if (removalBudget === undefined) return engine;
    const rules = { ...removalBudget, confirmation };
    const budget = new RemovalBudget({ source: name, rules, mode, engine, clock, log });
    this.#budgets.push(budget);
    return budget.writer;
  }

  #measure(): void {
    const { metrics } = this.#options;
    metrics.removalsEnded.reset();
    metrics.removalsHeldTotal.reset();
    for (const budget of this.#budgets) {
      const { source } = budget;
      const holds = budget.holds();
      const endpoints = holds.reduce((sum, hold) => sum + hold.endpoints.length, 0);
      metrics.removalsHeld.set({ source }, endpoints);
      metrics.servicesHeld.set({ source }, holds.length);
      metrics.removalsHeldTotal.inc({ source }, budget.counters.held);
      for (const [by, count] of Object.entries(budget.counters.ended)) metrics.removalsEnded.inc({ source, by }, count);
    }
  }
}
