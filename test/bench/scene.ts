import { setTimeout as delay } from 'node:timers/promises';
import { env } from 'node:process';
import { sidecarGroup, subscriptionTo } from '../../src/bench/load/sidecars.ts';
import type { GroupPlan, Opened } from '../../src/bench/load/plan.ts';
import type { Remote } from '../../src/bench/remote.ts';
import type { Series, SeriesPlan, Usage } from '../../src/bench/measurements.ts';
import type { WeirHandlers } from '../../src/bench/weir-process.ts';
import type { Held } from '../../src/bench/weir-under-test.ts';
import { transportKinds, type TransportKind } from '../../src/xds/transport/transport-kinds.ts';
import { clusterOfService, sharedRoutes, type WorldSize } from '../../src/bench/world.ts';
import type { Load, Processes } from './processes.ts';
import { spreadOf } from './report.ts';

/** A Weir with a world and a load client beside it, and what programs do with them again and again. */

const assignments = 'envoy.config.endpoint.v3.ClusterLoadAssignment';
const routeConfigurations = 'envoy.config.route.v3.RouteConfiguration';

/** What the programs measure that do not compare transports; `WEIR_BENCH_TRANSPORT` names another. */
export function chosenTransport(): TransportKind {
  const name = env['WEIR_BENCH_TRANSPORT'] ?? transportKinds[0];
  const kind = transportKinds.find((known) => known === name);
  if (kind === undefined) throw new Error(`WEIR_BENCH_TRANSPORT: there is no transport ${name}`);
  return kind;
}

/** When the messages of one series arrived, and what they cost: medians over the pushes. */
export interface SeriesFigures {
  readonly toMedianMs: number;
  readonly toLastMs: number;
  readonly toLastP99Ms: number;
  readonly sendAndAckUs: number;
  readonly commitMs: number;
  readonly worstLagMs: number;
}

export class Scene {
  readonly load: Load;
  readonly weir: Remote<WeirHandlers>;
  readonly address: string;

  private constructor(load: Load, weir: Remote<WeirHandlers>, address: string) {
    this.load = load;
    this.weir = weir;
    this.address = address;
  }

  static async start(processes: Processes, world: WorldSize, transport = chosenTransport()): Promise<Scene> {
    const { remote, address } = await processes.weir({ transport, world });
    return new Scene(processes.load(), remote, address);
  }

  usage(): Promise<Usage> {
    return this.weir.call('usage', true);
  }

  open(plan: GroupPlan): Promise<Opened> {
    return this.load.call('open', plan);
  }

  /** Sidecars that want the load assignments of the first services, all the same. */
  everyAssignment(name: string, count: number, services: number, behaviour: Partial<GroupPlan> = {}): GroupPlan {
    const names = Array.from({ length: services }, (_, service) => clusterOfService(service));
    const bodies = [subscriptionTo({ type: assignments, names })];
    const sidecars = { name, address: this.address, count, bodies, stepsOf: firstBody, complete: services };
    return sidecarGroup(sidecars, behaviour);
  }

  /** Sidecars that want the route configuration of the port that all services share. */
  sharedRoutes(name: string, count: number, behaviour: Partial<GroupPlan> = {}): GroupPlan {
    const bodies = [subscriptionTo({ type: routeConfigurations, names: [sharedRoutes] })];
    return sidecarGroup({ name, address: this.address, count, bodies, stepsOf: firstBody, complete: 1 }, behaviour);
  }

  /**
   * Sidecars that ask for everything as an Envoy does: clusters, then their assignments when the clusters are there, then listeners and
   * routes.
   *
   * @param complete as many resources as `oneOf` counts
   */
  wholeView(name: string, count: number, services: number, complete: number): GroupPlan {
    const bodies = [
      ...this.#clustersAndAssignments(services),
      subscriptionTo({ type: 'envoy.config.listener.v3.Listener', names: [] }),
      subscriptionTo({ type: routeConfigurations, names: [sharedRoutes] }),
    ];
    const stepsOf = () => [
      { body: 0, after: 0 },
      { body: 1, after: services },
      { body: 2, after: services },
      { body: 3, after: 2 * services },
    ];
    return sidecarGroup({ name, address: this.address, count, bodies, stepsOf, complete });
  }

  /** Clusters and their assignments alone (hot-path H113). */
  clustersAndAssignments(name: string, count: number, services: number, complete: number): GroupPlan {
    const bodies = this.#clustersAndAssignments(services);
    const stepsOf = () => [
      { body: 0, after: 0 },
      { body: 1, after: services },
    ];
    return sidecarGroup({ name, address: this.address, count, bodies, stepsOf, complete });
  }

  /** Sidecars that have all clusters and assignments already; complete when anything is answered (hot-path H902). */
  reconnecting(name: string, count: number, { cluster, endpoints }: Held): GroupPlan {
    const bodies = [
      subscriptionTo({ type: 'envoy.config.cluster.v3.Cluster', names: [], held: cluster }),
      subscriptionTo({ type: assignments, names: Object.keys(endpoints), held: endpoints }),
    ];
    const stepsOf = () => [
      { body: 0, after: 0 },
      { body: 1, after: 0 },
    ];
    return sidecarGroup({ name, address: this.address, count, bodies, stepsOf, complete: 0 });
  }

  /** What one sidecar gets when a plan is carried out by it alone: how many resources, and their bytes. */
  async oneOf(plan: GroupPlan): Promise<{ readonly resources: number; readonly bytes: number }> {
    await this.open({ ...plan, name: 'alone', streams: plan.streams.slice(0, 1) });
    for (let before = 0; ;) {
      await delay(300);
      const { messages, resources, bytes } = await this.load.call('totals', 'alone');
      if (messages === before) {
        await this.load.call('close', 'alone');
        return { resources, bytes };
      }
      before = messages;
    }
  }

  #clustersAndAssignments(services: number): readonly Uint8Array[] {
    const names = Array.from({ length: services }, (_, service) => clusterOfService(service));
    return [
      subscriptionTo({ type: 'envoy.config.cluster.v3.Cluster', names: [] }),
      subscriptionTo({ type: assignments, names }),
    ];
  }

  /** Makes one change after another and says when a group heard of them. */
  async series(group: string, plan: SeriesPlan): Promise<SeriesFigures> {
    await this.load.call('record', group);
    const series: Series = await this.weir.call('series', plan);
    const { pushes } = await this.load.call('recorded', group);
    const counted = pushes.slice(plan.warmups).map((times, index) => {
      const changedAt = series.changedAt[index] ?? Number.NaN;
      return { median: (times[times.length >> 1] ?? Number.NaN) - changedAt, last: (times.at(-1) ?? 0) - changedAt };
    });
    const last = spreadOf(counted.map((push) => push.last));
    return {
      toMedianMs: spreadOf(counted.map((push) => push.median)).median,
      toLastMs: last.median,
      toLastP99Ms: last.p99,
      sendAndAckUs: spreadOf([...series.sendAndAckMicroseconds]).median,
      commitMs: spreadOf([...series.commitMilliseconds]).median,
      worstLagMs: series.worstLag,
    };
  }
}

function firstBody() {
  return [{ body: 0, after: 0 }];
}
