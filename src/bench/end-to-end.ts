import type { LoadHandlers } from './load/process.ts';
import { sidecarGroup, subscriptionTo } from './load/sidecars.ts';
import type { Totals } from './load/plan.ts';
import type { Churn } from './measurements.ts';
import { Remote, type RemoteOptions } from './remote.ts';
import { startWeirProcess } from './start-weir-process.ts';
import type { TransportKind } from '../xds/transport/transport-kinds.ts';
import { clusterOfService } from './world.ts';

/**
 * From a change to the last ACK, as a whole: Weir in one process, sidecars in another, endpoints that move at a steady rate
 * (hot-path H1331).
 */

export interface EndToEndPlan {
  readonly sidecars: number;
  readonly services: number;
  readonly endpointsPerService: number;
  /** Services that each sidecar wants to know of. */
  readonly dependencies: number;
  readonly changesPerSecond: number;
  readonly seconds: number;
  readonly transport: TransportKind;
}

export interface EndToEndResult {
  /** Milliseconds from the first connection until every sidecar had everything. */
  readonly connectMilliseconds: number;
  readonly churn: Churn;
  /** What the sidecars say. */
  readonly totals: Totals;
  /** Resident memory of Weir's process when all were connected. */
  readonly connectedResidentBytes: number;
}

/**
 * Runs it; both processes are gone afterwards.
 *
 * @param progress hears what happens now
 * @throws when the sidecars do not get what they want
 */
export async function runEndToEnd(
  plan: EndToEndPlan,
  options: RemoteOptions,
  progress: (text: string) => void = () => undefined,
): Promise<EndToEndResult> {
  const { environment } = options;
  const load = new Remote<LoadHandlers>(new URL('load/process', import.meta.url), { environment });
  const weir = startWeirProcess(options);
  try {
    const { services, endpointsPerService, sidecars, transport } = plan;
    progress(`making ${services} services with ${endpointsPerService} endpoints each`);
    const address = await weir.call('start', { transport, world: { services, endpointsPerService } });
    progress(`connecting ${sidecars} sidecars`);
    const opened = await load.call('open', dependentSidecars('sidecars', address, plan));
    const { residentBytes } = await weir.call('usage', true);
    progress(`${plan.changesPerSecond} changes a second for ${plan.seconds} s`);
    // The first second is not counted: code is compiled, buffers grow.
    const { changesPerSecond } = plan;
    await weir.call('churn', { services, changesPerSecond, seconds: 1 });
    const churn = await weir.call('churn', { services, changesPerSecond, seconds: plan.seconds });
    const totals = await load.call('totals', 'sidecars');
    return { connectMilliseconds: opened.totalMilliseconds, churn, totals, connectedResidentBytes: residentBytes };
  } finally {
    await Promise.all([load.stop(), weir.stop()]);
  }
}

/** Sidecars that want the load assignments of some services each, spread over all of them. */
export function dependentSidecars(
  name: string,
  address: string,
  { sidecars, services, dependencies }: Pick<EndToEndPlan, 'sidecars' | 'services' | 'dependencies'>,
) {
  const bodies = Array.from({ length: dependencies === services ? 1 : sidecars }, (_, sidecar) =>
    subscriptionTo({
      type: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
      names: servicesOf(sidecar, dependencies, services).map(clusterOfService),
    }),
  );
  return sidecarGroup({
    name,
    address,
    count: sidecars,
    bodies,
    stepsOf: (sidecar) => [{ body: sidecar % bodies.length, after: 0 }],
    complete: dependencies,
  });
}

/** Prime strides: different for each sidecar, and no service twice while there are less than 7,919 of them or no multiple. */
function servicesOf(sidecar: number, dependencies: number, services: number): readonly number[] {
  return Array.from({ length: dependencies }, (_, index) => (sidecar * 7907 + index * 7919) % services);
}
