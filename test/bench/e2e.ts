import { env } from 'node:process';
import { runEndToEnd, type EndToEndPlan } from '../../src/bench/end-to-end.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { rounded, spreadOf, type Bench } from './report.ts';

/** From change to ACK, the worlds of hot-path H115 (H1331, H1410, H1411). */

const seconds = 5;
const worlds = [
  { sidecars: 1_000, services: 5_000, dependencies: 50, changesPerSecond: 200 },
  { sidecars: 1_000, services: 5_000, dependencies: 50, changesPerSecond: 2_000 },
  { sidecars: 1_000, services: 5_000, dependencies: 500, changesPerSecond: 200 },
  { sidecars: 1_000, services: 20_000, dependencies: 50, changesPerSecond: 2_000 },
];

export const e2eBench: Bench = {
  name: 'e2e',
  title: 'endpoints move at a steady rate: from change to ACK',
  run: async (report) => {
    for (const world of worlds) {
      for (const transport of transportKinds) {
        const plan: EndToEndPlan = { ...world, endpointsPerService: 10, seconds, transport };
        report.row(nameOf(plan), await measure(plan));
      }
    }
  },
};

function nameOf({ sidecars, dependencies, services, changesPerSecond, transport }: EndToEndPlan): string {
  return `${transport}: ${sidecars} sidecars × ${dependencies} of ${services}, ${changesPerSecond} changes/s`;
}

async function measure(plan: EndToEndPlan) {
  const { churn, totals, connectMilliseconds } = await runEndToEnd(plan, { environment: env });
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
    secondsToConnect: rounded(connectMilliseconds / 1000),
    errors: totals.errors,
  };
}
