import { pause, type TimedClock } from '../../kubernetes/api/timed-clock.ts';
import type { NacosConnection } from './connection.ts';
import { listField, numberField } from './json-message.ts';
import { NacosError } from './nacos-error.ts';

export interface ServiceListsOptions {
  readonly namespace: string;
  /** Milliseconds between two lists of a group, and by chance up to a fifth more (registries N37). */
  readonly period: number;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly listed: (group: string, services: readonly string[]) => void;
  readonly failed: (group: string, error: NacosError) => void;
}

/** More than most groups have: one page is safe, two are cut from a set whose order may change in between (registries N33). */
const usualPage = 5000;
const spareRoom = 1000;

/** Lists the services of groups again and again: what every server can do (registries N35). */
export class ServiceLists {
  readonly #options: ServiceListsOptions;
  readonly #groups = new Set<string>();
  #begin: (group: string) => void = () => undefined;

  constructor(options: ServiceListsOptions) {
    this.#options = options;
  }

  get groups(): ReadonlySet<string> {
    return this.#groups;
  }

  /** Lists one more group from now on. */
  add(group: string): void {
    if (this.#groups.has(group)) return;
    this.#groups.add(group);
    this.#begin(group);
  }

  /** Lists until the signal is aborted. */
  async serve(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    const loops: Promise<void>[] = [];
    const over = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => over.resolve());
    this.#begin = (group) => void loops.push(this.#listNowAndThen(group, connection, signal));
    for (const group of this.#groups) this.#begin(group);
    if (!signal.aborted) await over.promise;
    this.#begin = () => undefined;
    await Promise.all(loops);
  }

  async #listNowAndThen(group: string, connection: NacosConnection, signal: AbortSignal): Promise<void> {
    const { clock, period, random, listed, failed } = this.#options;
    while (!signal.aborted) {
      try {
        const services = await this.#list(group, connection);
        if (!signal.aborted) listed(group, services);
      } catch (error) {
        if (signal.aborted) return;
        failed(group, error instanceof NacosError ? error : new NacosError('malformed', 'no list', { cause: error }));
      }
      await pause(clock, period * (1 + random() / 5), signal);
    }
  }

  /** @throws NacosError when there is no complete list */
  async #list(group: string, connection: NacosConnection): Promise<readonly string[]> {
    const { namespace } = this.#options;
    for (let pageSize = usualPage; ;) {
      const answer = await connection.request('ServiceListRequest', {
        namespace,
        groupName: group,
        pageNo: 1,
        pageSize,
        selector: '',
        module: 'naming',
      });
      const count = numberField(answer, 'count');
      const names = listField(answer, 'serviceNames') ?? [];
      const services = names.filter((name) => typeof name === 'string');
      if (count === undefined)
        throw new NacosError('malformed', `Nacos lists the services of ${group} without a count`);
      if (services.length >= count) return services;
      // The server's page was too short, or a service came in between: a list that lacks some is none.
      if (count <= pageSize)
        throw new NacosError('malformed', `Nacos lists ${services.length} of ${count} services of ${group}`);
      pageSize = count + spareRoom;
    }
  }
}
