import type { Log } from '../../observe/log.ts';
import type { TimedClock } from '../kubernetes/api/timed-clock.ts';
import type { NacosConnection } from './client/connection.ts';
import { FuzzyWatch } from './client/fuzzy-watch.ts';
import type { JsonMessage } from './client/json-message.ts';
import type { NacosSession } from './client/nacos-client.ts';
import type { NacosError } from './client/nacos-error.ts';
import { nameText, type ServiceInfo, type ServiceName } from './client/service-info.ts';
import { ServiceLists } from './client/service-lists.ts';
import { Subscriptions, type ReadWay } from './client/subscriptions.ts';

export interface NacosNamespaceOptions {
  /** Its id. */
  readonly namespace: string;
  /** undefined: all that the server tells of. */
  readonly groups: readonly string[] | undefined;
  /** Services that are somebody else's business are not subscribed. */
  readonly isWanted: (name: ServiceName) => boolean;
  readonly pace: NacosPace;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly handler: NacosNamespaceHandler;
}

/** How often and how much the servers are asked. */
export interface NacosPace {
  /** Milliseconds between two lists of the services of a group. */
  readonly listPeriod: number;
  /** Milliseconds in which every service is read again once. */
  readonly auditPeriod: number;
  /** Subscriptions on their way at once. */
  readonly concurrency: number;
}

export interface NacosNamespaceHandler {
  received(info: ServiceInfo, way: ReadWay): void;
  /** A service is gone. */
  forgotten(name: ServiceName): void;
  failed(name: ServiceName, error: NacosError): void;
  /** `state` is another one. */
  stateChanged(): void;
}

/** How it goes with a namespace. */
export interface NamespaceState {
  readonly state: 'unknown' | 'forbidden' | 'following' | 'stale';
  /** Why it is not followed, or what is missing although it is. */
  readonly reason?: string;
}

const defaultGroup = 'DEFAULT_GROUP';
/** A service that is in so many lists no more, and has no instances, is gone (registries N36, T26). */
const missesOfGone = 2;

/** One namespace of a Nacos: which services there are, and a subscription for each. */
export class NacosNamespace implements NacosSession {
  readonly #options: NacosNamespaceOptions;
  readonly #lists: ServiceLists;
  readonly #fuzzyWatch: FuzzyWatch;
  readonly #subscriptions: Subscriptions;
  readonly #misses = new Map<string, number>();
  readonly #empty = new Set<string>();
  readonly #skipped = new Set<string>();
  readonly #listed = new Set<string>();
  #isConnected = false;
  #isTold = false;
  #wasSynced = false;
  #isForbidden = false;
  #problem: string | undefined = 'not connected yet';
  #limit: string | undefined;
  #shown: NamespaceState = { state: 'unknown' };

  constructor(options: NacosNamespaceOptions) {
    const { namespace, groups, pace, clock, random, handler } = options;
    this.#options = options;
    this.#lists = new ServiceLists({
      ...{ namespace, clock, random },
      period: pace.listPeriod,
      listed: (group, services) => this.#take(group, services),
      failed: (group, error) => this.#notListed(group, error),
    });
    this.#fuzzyWatch = new FuzzyWatch({
      ...{ namespace, groups, clock },
      known: () => this.#subscriptions.names,
      handler: {
        appeared: (name) => this.#appeared(name),
        emptied: (name) => this.#subscriptions.readAgain(name),
        told: () => this.#told(),
        limited: (reason) => this.#limited(reason),
      },
    });
    this.#subscriptions = new Subscriptions({
      ...{ namespace, clock, random },
      concurrency: pace.concurrency,
      auditPeriod: pace.auditPeriod,
      handler: {
        received: (info, way) => this.#received(info, way),
        failed: (name, error) => {
          handler.failed(name, error);
          this.#judge();
        },
      },
    });
    for (const group of groups ?? [defaultGroup]) this.#lists.add(group);
  }

  get id(): string {
    return this.#options.namespace;
  }

  get state(): NamespaceState {
    return this.#shown;
  }

  /** Services that are known. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Services that are not wanted. */
  get skipped(): number {
    return this.#skipped.size;
  }

  async connected(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    this.#isConnected = true;
    this.#isTold = this.#options.groups !== undefined;
    this.#listed.clear();
    this.#problem = 'reading everything';
    await Promise.all([
      this.#subscriptions.serve(connection, signal),
      this.#lists.serve(connection, signal),
      this.#fuzzyWatch.serve(connection, signal),
    ]);
  }

  pushed(type: string, message: JsonMessage): void {
    if (type === 'NotifySubscriberRequest') this.#subscriptions.pushed(message);
    else this.#fuzzyWatch.pushed(type, message);
  }

  lost(reason: string): void {
    this.#isConnected = false;
    this.#problem = reason;
    this.#judge();
  }

  /** What is listed is there. What is not, has been asked for in vain twice and is empty, is gone. */
  #take(group: string, services: readonly string[]): void {
    const listed = new Set(services);
    for (const service of listed) this.#want({ group, service });
    for (const name of this.#subscriptions.names)
      if (name.group === group && !listed.has(name.service)) this.#miss(name);
    this.#listed.add(group);
    this.#isForbidden = false;
    this.#judge();
  }

  #want(name: ServiceName): void {
    if (!this.#options.isWanted(name)) return void this.#skipped.add(nameText(name));
    this.#misses.delete(nameText(name));
    if (!this.#subscriptions.has(name)) this.#subscriptions.want(name);
  }

  #miss(name: ServiceName): void {
    const key = nameText(name);
    const misses = (this.#misses.get(key) ?? 0) + 1;
    this.#misses.set(key, misses);
    if (!this.#empty.has(key)) return this.#subscriptions.readAgain(name);
    if (misses < missesOfGone) return;
    this.#misses.delete(key);
    this.#empty.delete(key);
    this.#subscriptions.forget(name);
    this.#options.handler.forgotten(name);
  }

  #notListed(group: string, error: NacosError): void {
    const { log, namespace } = this.#options;
    log.debug('the services of a group could not be listed', { namespace, group, error });
    this.#listed.delete(group);
    this.#isForbidden = error.failure === 'forbidden';
    this.#problem = error.message;
    this.#judge();
  }

  #appeared(name: ServiceName): void {
    if (this.#options.groups === undefined) this.#lists.add(name.group);
    this.#want(name);
  }

  #told(): void {
    this.#isTold = true;
    this.#judge();
  }

  #limited(reason: string | undefined): void {
    this.#limit = reason;
    this.#judge();
  }

  #received(info: ServiceInfo, way: ReadWay): void {
    const key = nameText(info.name);
    if (info.instances.length === 0) this.#empty.add(key);
    else this.#empty.delete(key);
    this.#options.handler.received(info, way);
    if (this.#shown.state !== 'following') this.#judge();
  }

  /** Says how it goes, if that is news. */
  #judge(): void {
    const state = this.#judged();
    if (state.state === this.#shown.state && state.reason === this.#shown.reason) return;
    this.#shown = state;
    this.#options.handler.stateChanged();
  }

  #judged(): NamespaceState {
    const isListed = [...this.#lists.groups].every((group) => this.#listed.has(group));
    // Unknown is not empty: whatever is missing, nothing is concluded from it (registries N45).
    if (this.#isConnected && isListed && this.#isTold && this.#subscriptions.isSettled) {
      this.#wasSynced = true;
      return this.#limit === undefined ? { state: 'following' } : { state: 'following', reason: this.#limit };
    }
    const reason = this.#problem === undefined ? {} : { reason: this.#problem };
    if (this.#wasSynced) return { state: 'stale', ...reason };
    return { state: this.#isForbidden ? 'forbidden' : 'unknown', ...reason };
  }
}
