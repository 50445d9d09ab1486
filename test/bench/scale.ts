import { sidecarGroup, subscriptionTo } from '../../src/bench/load/sidecars.ts';
import { clusterOfService } from '../../src/bench/world.ts';
import { endpointsType } from './fanout.ts';
import { Processes } from './processes.ts';
import { rounded, spreadOf, type Bench } from './report.ts';
import { Scene } from './scene.ts';

/** One change in meshes of any size, to a part of the sidecars (hot-path H1327). */

export const scaleBench: Bench = {
  name: 'scale',
  title: 'one change to 1 %, 10 % and all of the sidecars, in meshes of any size',
  run: async (report) => {
    for (const services of [1_000, 5_000, 20_000]) {
      await using processes = new Processes();
      const scene = await Scene.start(processes, { services, endpointsPerService: 10 });
      for (const streams of [1_000, 3_000]) {
        for (const affected of [streams / 100, streams / 10, streams]) {
          await scene.open(partlyAffected(scene, streams, affected));
          const plan = { kind: 'endpoint', service: 0, streams: affected, pushes: 15, warmups: 8, settle: 0 } as const;
          const { toLastMs, sendAndAckUs, worstLagMs } = await scene.series('some', plan);
          report.row(`${services} services, ${affected} of ${streams} sidecars`, {
            msToLast: rounded(toLastMs),
            sendAndAckUs: rounded(sendAndAckUs),
            worstLagMs: rounded(worstLagMs),
          });
        }
      }
    }
  },
};

/** The first sidecars want the first service, the others the second. */
function partlyAffected({ address }: Scene, count: number, affected: number) {
  const bodies = [0, 1].map((service) => subscriptionTo({ type: endpointsType, names: [clusterOfService(service)] }));
  const stepsOf = (sidecar: number) => [{ body: sidecar < affected ? 0 : 1, after: 0 }];
  return sidecarGroup({ name: 'some', address, count, bodies, stepsOf, complete: 1 }, { batch: 500, gap: 50 });
}

export const coalesceBench: Bench = {
  name: 'coalesce',
  title: '500 changes/s to 1,000 sidecars that want everything: what is merged, and what that costs',
  run: async (report) => {
    await using processes = new Processes();
    const services = 1_000;
    const scene = await Scene.start(processes, { services, endpointsPerService: 10 });
    await scene.open(scene.everyAssignment('all', 1_000, services));
    await scene.weir.call('churn', { services, changesPerSecond: 500, seconds: 1 });
    const churn = await scene.weir.call('churn', { services, changesPerSecond: 500, seconds: 5 });
    const toAck = spreadOf([...churn.toAck]);
    report.row('1,000 sidecars × 1,000 services, 500 changes/s', {
      messagesPerSecond: rounded(churn.messages / churn.seconds),
      resourcesPerMessage: rounded(churn.resources / churn.messages),
      megabytesPerSecond: rounded(churn.bytes / churn.seconds / 1e6),
      coreShare: rounded(churn.cpuShare),
      msToAckP50: rounded(toAck.median),
      msToAckP99: rounded(toAck.p99),
      worstLagMs: rounded(churn.worstLag),
    });
  },
};
