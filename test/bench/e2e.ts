import { env } from 'node:process';
import { runEndToEnd, type EndToEndPlan } from '../../src/bench/end-to-end.ts';
import { sidecarGroup, subscriptionTo } from '../../src/bench/load/sidecars.ts';
import type { Churn } from '../../src/bench/measurements.ts';
import { clusterOfService } from '../../src/bench/world.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { endpointsType } from './fanout.ts';
import { Processes } from './processes.ts';
import { rounded, spreadOf, type Bench } from './report.ts';
import type { FloorSpec } from './variants/floor.ts';

/** From change to ACK, the worlds of hot-path H115 (H1331, H1410, H1411). */

const seconds = 5;
const endpointsPerService = 10;
const worlds = [
  { sidecars: 1_000, services: 5_000, dependencies: 50, changesPerSecond: 200 },
  { sidecars: 1_000, services: 5_000, dependencies: 50, changesPerSecond: 2_000 },
  { sidecars: 1_000, services: 5_000, dependencies: 500, changesPerSecond: 200 },
  { sidecars: 1_000, services: 20_000, dependencies: 50, changesPerSecond: 2_000 },
];

type World = (typeof worlds)[number];

export const e2eBench: Bench = {
  name: 'e2e',
  title: 'endpoints move at a steady rate: from change to ACK',
  run: async (report) => {
    for (const world of worlds) {
      report.row(nameOf({ ...world, transport: 'floor: bare sockets' }), await measureFloor(world));
      for (const transport of transportKinds) {
        const plan: EndToEndPlan = { ...world, endpointsPerService, seconds, transport };
        report.row(nameOf(plan), await measure(plan));
      }
    }
  },
};

function nameOf({
  sidecars,
  dependencies,
  services,
  changesPerSecond,
  transport,
}: World & { readonly transport: string }) {
  return `${transport}: ${sidecars} sidecars × ${dependencies} of ${services}, ${changesPerSecond} changes/s`;
}

async function measure(plan: EndToEndPlan) {
  const { churn, totals, connectMilliseconds } = await runEndToEnd(plan, { environment: env });
  return { ...figuresOf(churn), secondsToConnect: rounded(connectMilliseconds / 1000), errors: totals.errors };
}

/** The same changes, put together without an engine and written to as many bare sockets; its ACKs are not told apart by change. */
async function measureFloor({ sidecars, services, dependencies, changesPerSecond }: World) {
  await using processes = new Processes();
  const load = processes.load();
  const reached = Math.round((sidecars * dependencies) / services);
  const spec: FloorSpec = { services, endpointsPerService, reached };
  const { remote, address } = await processes.variant('floor', spec);
  const bodies = [subscriptionTo({ type: endpointsType, names: [clusterOfService(0)] })];
  const stepsOf = () => [{ body: 0, after: 0 }];
  await load.call('open', sidecarGroup({ name: 'floor', address, count: sidecars, bodies, stepsOf, complete: 1 }));
  await remote.call('churn', { services, changesPerSecond, seconds: 1 });
  return figuresOf(await remote.call('churn', { services, changesPerSecond, seconds }));
}

function figuresOf(churn: Churn) {
  const toAck = spreadOf([...churn.toAck]);
  return {
    changesPerSecond: rounded(churn.changes / churn.seconds),
    messagesPerSecond: rounded(churn.messages / churn.seconds),
    msToAckP50: rounded(toAck.median),
    msToAckP99: rounded(toAck.p99),
    msToLastAckP50: rounded(spreadOf([...churn.toLastAck]).median),
    coreShare: rounded(churn.cpuShare),
    worstLagMs: rounded(churn.worstLag),
    residentMB: Math.round(churn.residentBytes / 1e6),
  };
}
