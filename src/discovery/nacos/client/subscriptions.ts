import type { TimedClock } from '../../kubernetes/api/timed-clock.ts';
import { pause } from '../../kubernetes/api/timed-clock.ts';
import type { NacosConnection } from './connection.ts';
import { isMessage, type JsonMessage } from './json-message.ts';
import { NacosError } from './nacos-error.ts';
import { nameText, readServiceInfo, type ServiceInfo, type ServiceName } from './service-info.ts';

export interface SubscriptionsOptions {
  readonly namespace: string;
  /** Requests on their way at once (registries N41). */
  readonly concurrency: number;
  /** Milliseconds in which every service is read again once (registries N44). */
  readonly auditPeriod: number;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly handler: SubscriptionHandler;
}

export interface SubscriptionHandler {
  /** All of a service, as it is. */
  received(info: ServiceInfo, way: ReadWay): void;
  /** A service could not be read, and what was known of it stays. It is tried again. */
  failed(name: ServiceName, error: NacosError): void;
}

/** How it became known: `audit`, nobody had said that there was anything new; `read`, something had. */
export type ReadWay = 'subscribe' | 'push' | 'read' | 'audit';

interface Subscription {
  readonly name: ServiceName;
  /** On the present connection. */
  isSubscribed: boolean;
  /** How often the server has said what it is. */
  heard: number;
  /** By the clock of the present connection's server. */
  refreshedAt: number;
  failures: number;
}

const shortestRetryMs = 1000;
const longestRetryMs = 30_000;

/**
 * The services that are wanted, subscribed again on every connection. Of a service the last word on a connection counts, by arrival
 * (registries N32); an answer that was overtaken by a push does not.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #wanted = new Map<string, Subscription>();
  /** `audit` only where nothing else asked for the same. */
  readonly #queue = new Map<Subscription, 'read' | 'audit'>();
  /** Those that the present connection has not answered yet, well or not. */
  readonly #unsettled = new Set<Subscription>();
  readonly #running = new Set<Promise<void>>();
  #connection: NacosConnection | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#wanted.size;
  }

  /** Whether every service that is wanted has been answered on the present connection. */
  get isSettled(): boolean {
    return this.#connection !== undefined && this.#unsettled.size === 0;
  }

  get names(): readonly ServiceName[] {
    return this.#wanted
      .values()
      .map(({ name }) => name)
      .toArray();
  }

  has(name: ServiceName): boolean {
    return this.#wanted.has(nameText(name));
  }

  want(name: ServiceName): void {
    const key = nameText(name);
    if (this.#wanted.has(key)) return;
    const subscription = { name, isSubscribed: false, heard: 0, refreshedAt: 0, failures: 0 };
    this.#wanted.set(key, subscription);
    this.#unsettled.add(subscription);
    this.#read(subscription, 'read');
  }

  /** Ends the subscription. */
  forget(name: ServiceName): void {
    const subscription = this.#wanted.get(nameText(name));
    if (subscription === undefined) return;
    this.#wanted.delete(nameText(name));
    this.#queue.delete(subscription);
    this.#unsettled.delete(subscription);
    if (subscription.isSubscribed && this.#connection !== undefined) this.#start(this.#cancel(name, this.#connection));
  }

  /** Reads a service again, because there is reason to believe that it has changed. */
  readAgain(name: ServiceName): void {
    const subscription = this.#wanted.get(nameText(name));
    if (subscription !== undefined) this.#read(subscription, 'read');
  }

  /** Subscribes to everything, and audits it now and then, until the signal is aborted. */
  async serve(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    this.#connection = connection;
    for (const subscription of this.#wanted.values()) {
      Object.assign(subscription, { isSubscribed: false, refreshedAt: 0, failures: 0 });
      this.#queue.set(subscription, 'read');
      this.#unsettled.add(subscription);
    }
    try {
      this.#pump();
      await this.#auditNowAndThen(signal);
    } finally {
      this.#connection = undefined;
      this.#queue.clear();
      await Promise.all(this.#running);
    }
  }

  /** @throws NacosError when the push cannot be read */
  pushed(message: JsonMessage): void {
    const info = readServiceInfo(message['serviceInfo'], undefined);
    const subscription = this.#wanted.get(nameText(info.name));
    if (subscription === undefined) return;
    // One that was overtaken on its way: the server knows what is true.
    if (info.refreshedAt < subscription.refreshedAt) return this.#read(subscription, 'read');
    this.#take(subscription, info, 'push');
  }

  #take(subscription: Subscription, info: ServiceInfo, way: ReadWay): void {
    subscription.heard++;
    subscription.refreshedAt = info.refreshedAt;
    subscription.failures = 0;
    this.#unsettled.delete(subscription);
    this.#options.handler.received(info, way);
  }

  #read(subscription: Subscription, why: 'read' | 'audit'): void {
    if (why === 'read' || !this.#queue.has(subscription)) this.#queue.set(subscription, why);
    this.#pump();
  }

  #pump(): void {
    for (const [subscription, why] of this.#queue) {
      if (this.#connection === undefined || this.#running.size >= this.#options.concurrency) return;
      this.#queue.delete(subscription);
      this.#start(this.#ask(subscription, why, this.#connection));
    }
  }

  #start(work: Promise<void>): void {
    const done = work.finally(() => {
      this.#running.delete(done);
      this.#pump();
    });
    this.#running.add(done);
  }

  async #ask(subscription: Subscription, why: 'read' | 'audit', connection: NacosConnection): Promise<void> {
    const { name, heard } = subscription;
    const { namespace } = this.#options;
    const way = subscription.isSubscribed ? why : 'subscribe';
    const about = { namespace, groupName: name.group, serviceName: name.service, module: 'naming' };
    const subject = { kind: 'service', ...name } as const;
    try {
      // One subscription per service and connection: all clusters, whatever is made of them (registries N49).
      const answer =
        way === 'subscribe'
          ? await connection.request(
              'SubscribeServiceRequest',
              { ...about, clusters: '', subscribe: true },
              { subject },
            )
          : await connection.request(
              'ServiceQueryRequest',
              { ...about, cluster: '', healthyOnly: false, udpPort: 0 },
              { subject },
            );
      subscription.isSubscribed = true;
      if (!isMessage(answer['serviceInfo'])) throw new NacosError('malformed', 'Nacos answers without a service');
      const info = readServiceInfo({ ...answer['serviceInfo'], name: name.service, groupName: name.group }, name);
      if (subscription.heard === heard && this.#isWanted(subscription)) this.#take(subscription, info, way);
    } catch (error) {
      if (connection !== this.#connection || !this.#isWanted(subscription)) return;
      this.#failed(subscription, error instanceof NacosError ? error : unexpected(error));
    }
  }

  #failed(subscription: Subscription, error: NacosError): void {
    const { clock, random, handler } = this.#options;
    if (error.failure === 'unreachable' || error.failure === 'unregistered') return;
    this.#unsettled.delete(subscription);
    const wait = Math.min(longestRetryMs, shortestRetryMs * 2 ** subscription.failures++);
    handler.failed(subscription.name, error);
    const connection = this.#connection;
    clock.after(wait * (1 + random()), () => {
      if (connection === this.#connection && this.#isWanted(subscription)) this.#read(subscription, 'read');
    });
  }

  #isWanted(subscription: Subscription): boolean {
    return this.#wanted.get(nameText(subscription.name)) === subscription;
  }

  async #cancel({ group, service }: ServiceName, connection: NacosConnection): Promise<void> {
    const { namespace } = this.#options;
    const about = { namespace, groupName: group, serviceName: service, module: 'naming' };
    const subject = { kind: 'service', group, service } as const;
    // One that stays costs a push now and then, of a service that nobody wants.
    await connection
      .request('SubscribeServiceRequest', { ...about, clusters: '', subscribe: false }, { subject })
      .catch(() => undefined);
  }

  async #auditNowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, auditPeriod, random } = this.#options;
    while (!signal.aborted) {
      const subscriptions = [...this.#wanted.values()];
      if (subscriptions.length === 0) await pause(clock, auditPeriod * random(), signal);
      for (const subscription of subscriptions) {
        await pause(clock, auditPeriod / subscriptions.length, signal);
        if (signal.aborted) return;
        if (this.#isWanted(subscription)) this.#read(subscription, 'audit');
      }
    }
  }
}

function unexpected(cause: unknown): NacosError {
  return new NacosError('malformed', 'what Nacos said could not be taken', { cause });
}
