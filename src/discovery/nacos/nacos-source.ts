import type { Write } from '../../incremental/commit.ts';
import type { Freshness, SourceKind, SourceProblem } from '../../model/source.ts';
import { sources } from '../../model/tables.ts';
import type { TimedClock } from '../kubernetes/api/timed-clock.ts';
import { ProblemBoard } from '../problem-board.ts';
import type { Registry, RegistryContext } from '../registry.ts';
import { removeRow, replaceRows } from '../source-row.ts';
import type { NacosCredentials } from './client/credentials.ts';
import type { ReadTls } from './client/http-exchange.ts';
import { NacosClient } from './client/nacos-client.ts';
import type { NacosError } from './client/nacos-error.ts';
import { serverText, type NacosServer } from './client/servers.ts';
import { nameText, type ServiceInfo, type ServiceName } from './client/service-info.ts';
import type { ReadWay } from './client/subscriptions.ts';
import { NacosNamespace, type NacosPace } from './nacos-namespace.ts';
import { newCounters, type NacosCounters } from './nacos-counters.ts';
import type { AddressRules } from './rows/instance.ts';
import { hostOf, labelOf } from './rows/host-name.ts';
import { problemOf, referenceTo, type NamespaceContext } from './rows/service-rows.ts';
import { nothingKept, ServiceBoard, type KeptService } from './service-board.ts';

export interface NacosSourceOptions extends RegistryContext, AddressRules {
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Default: `nacos`. Each Nacos has a name of its own. */
  readonly name?: string;
  readonly servers: readonly NacosServer[];
  readonly grpcPortOffset: number;
  readonly tls: ReadTls | undefined;
  readonly credentials: NacosCredentials;
  readonly namespaces: readonly FollowedNamespace[];
  readonly hosts: HostForm;
  /** undefined: all that the server tells of. */
  readonly groups: readonly string[] | undefined;
  readonly pace: NacosPace;
  /** Of Weir. */
  readonly version: string;
}

/** What services are called in the mesh. */
export type HostForm =
  | { readonly kind: 'nacos' }
  /** As Kubernetes would call them: a service that both have is one, with the endpoints of both (decision 22). Of one group. */
  | { readonly kind: 'kubernetes'; readonly domain: string };

export interface FollowedNamespace {
  /** In Nacos. */
  readonly id: string;
  /** Namespace of the mesh that its services are in. */
  readonly meshNamespace: string;
}

/** How it goes with one namespace, for metrics. */
export interface NacosNamespaceMetrics extends Readonly<NacosCounters> {
  readonly namespace: string;
  readonly connections: number;
  readonly services: number;
  readonly skipped: number;
}

interface Followed {
  readonly namespace: NacosNamespace;
  readonly client: NacosClient;
  readonly context: NamespaceContext;
  readonly services: ServiceBoard;
  readonly counters: NacosCounters;
}

interface Change {
  readonly at: number;
  /** For the problems of the service. */
  readonly subject: string;
  readonly before: KeptService;
  readonly now: KeptService;
}

/** Written in one batch. */
const mostAtOnce = 250;
/** Dubbo's own registrations, one for each interface: what they mean is not a service of the mesh (registries B21, N37). */
const dubboNames = /^(providers|consumers|routers|configurators):/;

/** A Nacos as a registry: the services of its namespaces, each with a connection of its own (decision 22). */
export class NacosSource implements Registry {
  readonly name: string;
  readonly #options: NacosSourceOptions;
  readonly #followed: readonly Followed[];
  readonly #board: ProblemBoard;
  /** Subjects of services that were refused. */
  readonly #refused = new Set<string>();
  #changes: Change[] = [];
  #isFlushing = false;
  #freshness: { readonly state: Freshness; readonly reason?: string } = { state: 'unknown' };
  #since: number;

  constructor(options: NacosSourceOptions) {
    this.#options = options;
    this.name = options.name ?? 'nacos';
    this.#board = new ProblemBoard(options.log);
    this.#since = options.clock.now();
    this.#followed = options.namespaces.map((namespace) => this.#follow(namespace));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#flush();
    const { credentials } = this.#options;
    await Promise.all([credentials.run(signal), ...this.#followed.map(({ client }) => client.run(signal))]);
    // What was heard last is in force before it settles.
    while (this.#changes.length > 0) this.#flush();
  }

  metrics(): readonly NacosNamespaceMetrics[] {
    return this.#followed.map(({ namespace, client, counters }) => ({
      ...counters,
      namespace: namespace.id,
      connections: client.connections,
      services: namespace.size,
      skipped: namespace.skipped,
    }));
  }

  #follow({ id, meshNamespace }: FollowedNamespace): Followed {
    const { groups, pace, clock, random, log, servers, grpcPortOffset, tls, credentials, version, allowed, hosts } =
      this.#options;
    const context: NamespaceContext = {
      ...{ source: this.name, namespace: id, meshNamespace, allowed },
      hostOf: hostsOf(hosts, { id, meshNamespace }),
    };
    const services = new ServiceBoard(context);
    const counters = newCounters();
    const namespace = new NacosNamespace({
      ...{ namespace: id, groups, pace, clock, random, log },
      isWanted: ({ service }) => !dubboNames.test(service),
      handler: {
        received: (info, way) => this.#received(followed, info, way),
        forgotten: (name) => this.#forgotten(followed, name),
        failed: (name, error) => this.#failed(followed, name, error),
        stateChanged: () => this.#flushSoon(),
      },
    });
    const client = new NacosClient({
      ...{ servers, grpcPortOffset, tls, credentials, namespace: id, version, clock, random, log },
      session: namespace,
    });
    const followed: Followed = { namespace, client, context, services, counters };
    return followed;
  }

  #received(followed: Followed, info: ServiceInfo, way: ReadWay): void {
    const { services, counters, context } = followed;
    if (this.#refused.size > 0) this.#showReading(subjectOfReading(context, info.name), undefined);
    if (way === 'push') counters.pushes++;
    const change = services.accept(info);
    if (change === undefined) {
      counters.unchanged++;
      return;
    }
    if (way === 'audit') counters.repaired++;
    this.#change(followed, info.name, change);
  }

  #forgotten(followed: Followed, name: ServiceName): void {
    this.#change(followed, name, { before: followed.services.forget(name), now: nothingKept });
  }

  #change({ context }: Followed, name: ServiceName, change: Pick<Change, 'before' | 'now'>): void {
    const subject = `${context.namespace} ${nameText(name)}`;
    this.#changes.push({ at: this.#options.clock.monotonic(), subject, ...change });
    this.#flushSoon();
  }

  #failed({ context, counters }: Followed, name: ServiceName, error: NacosError): void {
    counters.failures++;
    const { log } = this.#options;
    log.debug('a service could not be read', { namespace: context.namespace, service: nameText(name), error });
    if (error.failure !== 'forbidden') return;
    const advice = 'give the account that Weir uses the right to read it; what was known of the service stays';
    const problem = problemOf(referenceTo(context, name), 'WEIR2203', '', error.message, advice);
    this.#showReading(subjectOfReading(context, name), problem);
  }

  /** @param problem undefined: a service can be read */
  #showReading(subject: string, problem: SourceProblem | undefined): void {
    if (problem === undefined && !this.#refused.delete(subject)) return;
    if (problem !== undefined) this.#refused.add(subject);
    const problems = problem === undefined ? [] : [problem];
    this.#options.engine.batch({ source: this.name, at: this.#options.clock.monotonic() }, (write) =>
      this.#board.show(write, subject, problems, true),
    );
  }

  /** Together with what comes in the same moment: thousands of services are told of one by one when a connection is new. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#options.clock.after(0, () => {
      this.#isFlushing = false;
      this.#flush();
      if (this.#changes.length > 0) this.#flushSoon();
    });
  }

  #flush(): void {
    const changes = this.#changes.splice(0, mostAtOnce);
    const at = changes[0]?.at ?? this.#options.clock.monotonic();
    this.#options.engine.batch({ source: this.name, at }, (write) => {
      for (const { subject, before, now } of changes) {
        if (now === nothingKept) for (const row of before.rows) removeRow(write, row);
        else replaceRows(write, before.rows, now.rows);
        this.#board.show(write, subject, now.problems, true);
      }
      this.#showFreshness(write);
    });
  }

  #showFreshness(write: Write): void {
    const { clock, log, servers } = this.#options;
    const freshness = this.#judged();
    const reason = freshness.reason === undefined ? {} : { reason: freshness.reason };
    if (freshness.state !== this.#freshness.state) {
      this.#since = clock.now();
      log[freshness.state === 'stale' ? 'warn' : 'info'](`Nacos is ${freshness.state}`, {
        source: this.name,
        ...reason,
      });
    }
    this.#freshness = freshness;
    write.put(sources, {
      name: this.name,
      kind: 'nacos',
      target: servers.map(serverText).join(','),
      freshness: freshness.state,
      ...reason,
      since: this.#since,
      objects: this.#followed.reduce((sum, { services }) => sum + services.size, 0),
      kinds: this.#followed.map(kindOf),
    });
  }

  /** Not synced before what was heard is in force. */
  #judged(): { readonly state: Freshness; readonly reason?: string } {
    const trouble = this.#followed.map(({ namespace }) => namespace).filter(({ state }) => state.state !== 'following');
    if (trouble.length === 0) return this.#changes.length === 0 ? { state: 'synced' } : this.#freshness;
    const reason = trouble.map(({ id, state }) => `${id}: ${state.reason ?? state.state}`).join('; ');
    const isUnknown = trouble.some(({ state }) => state.state !== 'stale');
    return { state: isUnknown ? 'unknown' : 'stale', reason };
  }
}

function hostsOf(form: HostForm, { id, meshNamespace }: FollowedNamespace): NamespaceContext['hostOf'] {
  switch (form.kind) {
    case 'nacos':
      return (name) => hostOf({ namespace: id, ...name });
    case 'kubernetes':
      return ({ service }) => `${labelOf(service)}.${meshNamespace}.svc.${form.domain}`;
  }
}

function subjectOfReading({ namespace }: NamespaceContext, name: ServiceName): string {
  return `reading ${namespace} ${nameText(name)}`;
}

function kindOf({ namespace, services }: Followed): SourceKind {
  const { state, reason } = namespace.state;
  return {
    kind: 'nacos.io/Service',
    namespace: namespace.id,
    state,
    ...(reason === undefined ? {} : { reason }),
    objects: services.size,
  };
}
