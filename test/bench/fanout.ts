import { transportKinds, type TransportKind } from '../../src/xds/transport/transport-kinds.ts';
import { sidecarGroup, subscriptionTo } from '../../src/bench/load/sidecars.ts';
import type { AckMode } from '../../src/bench/load/plan.ts';
import type { Series, SeriesPlan } from '../../src/bench/measurements.ts';
import { clusterOfService, type WorldSize } from '../../src/bench/world.ts';
import { Processes, type Load } from './processes.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * One load assignment changes and goes to C sidecars (hot-path H1322): CPU of the server for each message, and when the sidecars
 * have it. The designs take turns, push series by push series; the bare-socket floor is one of them (H1309).
 */

export const endpointsType = 'envoy.config.endpoint.v3.ClusterLoadAssignment';

interface Variant {
  readonly name: string;
  readonly group: string;
  readonly series: (plan: SeriesPlan) => Promise<Series>;
  readonly address: string;
  readonly bytes: () => Promise<number>;
}

const noSamples = (): Samples => ({ sendUs: [], sendAndAckUs: [], toMedianMs: [], toLastMs: [], lagMs: [] });

interface Samples {
  readonly sendUs: number[];
  readonly sendAndAckUs: number[];
  readonly toMedianMs: number[];
  readonly toLastMs: number[];
  readonly lagMs: number[];
}

export interface FanoutPlan {
  /** Numbers of sidecars, measured one after the other. */
  readonly streams: readonly number[];
  readonly endpoints: number;
  readonly rounds: number;
  /** Whether sending and ACKs are told apart: ACKs come late then. */
  readonly splits: boolean;
  readonly transports: readonly TransportKind[];
  readonly naive: boolean;
}

/** Milliseconds: longer than sending to everybody takes. */
const lateAck = 150;
const settle = 60;

export const fanoutBench: Bench = {
  name: 'fanout',
  title: 'one load assignment to 10, 100, 500 and 1,000 sidecars: CPU for each message, time to the last',
  run: async (report) => {
    const common = { transports: transportKinds, rounds: 3, splits: false };
    // Messages of about 441 bytes and 14.75 KB.
    for (const endpoints of [10, 640]) {
      reportFanout(report, await measureFanout({ ...common, endpoints, streams: [10, 100, 500], naive: false }));
      reportFanout(report, await measureFanout({ ...common, endpoints, streams: [1_000], naive: true }));
    }
    const split = { ...common, endpoints: 640, streams: [1_000], naive: false, splits: true };
    reportFanout(report, await measureFanout(split));
  },
};

export interface FanoutRow {
  readonly name: string;
  readonly streams: number;
  readonly endpoints: number;
  readonly bytes: number;
  /** Medians; without ACKs only where they were told apart. */
  readonly sendUs: number | undefined;
  readonly sendAndAckUs: number;
  readonly toMedianMs: number;
  readonly toLastMs: number;
  readonly toLastP99Ms: number;
  readonly lagMs: number;
}

/** For each number of sidecars the floor first. */
export async function measureFanout(plan: FanoutPlan): Promise<readonly FanoutRow[]> {
  await using processes = new Processes();
  const load = processes.load();
  const variants = await startVariants(processes, plan);
  const ack: AckMode = plan.splits ? { kind: 'late', milliseconds: lateAck } : { kind: 'at-once' };
  const rows: FanoutRow[] = [];
  for (const streams of plan.streams) {
    for (const { group, address } of variants) {
      await load.call('open', oneAssignmentEach(group, address, streams, ack));
    }
    const samples = new Map(variants.map((variant) => [variant, noSamples()]));
    for (let round = 0; round < plan.rounds; round++) {
      for (const [variant, of] of samples) await measureRound(variant, of, load, { ...plan, streams, round });
    }
    for (const [variant, of] of samples) rows.push(await rowOf(variant, of, { ...plan, streams }));
  }
  return rows;
}

/** Sidecars that want one load assignment, that of the first service. */
function oneAssignmentEach(name: string, address: string, count: number, ack: AckMode) {
  const bodies = [subscriptionTo({ type: endpointsType, names: [clusterOfService(0)] })];
  const stepsOf = () => [{ body: 0, after: 0 }];
  return sidecarGroup({ name, address, count, bodies, stepsOf, complete: 1 }, { ack });
}

async function startVariants(processes: Processes, plan: FanoutPlan): Promise<readonly Variant[]> {
  const world: WorldSize = { services: 1, endpointsPerService: plan.endpoints };
  const variants: Variant[] = [];
  const floor = await processes.variant('floor', world);
  const first = await processes.weir({ transport: 'grpc-js', world });
  const bytes = () => first.remote.call('assignmentBytes', undefined);
  const add = (name: string, { remote, address }: typeof floor): void =>
    void variants.push({
      name,
      group: name,
      address,
      bytes,
      series: (series) => remote.call('series', series),
    });
  add('floor: bare sockets', floor);
  for (const transport of plan.transports) {
    const { remote, address } = transport === 'grpc-js' ? first : await processes.weir({ transport, world });
    add(`weir on ${transport}`, { address, remote: remote as never });
  }
  if (plan.naive) add('naive', await processes.variant('naive', world));
  return variants;
}

async function measureRound(
  { group, series, name }: Variant,
  samples: Samples,
  load: Load,
  { streams, splits, round }: { readonly streams: number; readonly splits: boolean; readonly round: number },
): Promise<void> {
  const pushes = name === 'naive' || splits ? 4 : Math.max(8, Math.min(40, 4_000 / streams));
  const warmups = round > 0 ? 1 : pushes;
  await load.call('record', group);
  const result = await series({ kind: 'endpoint', service: 0, streams, pushes, warmups, settle: splits ? settle : 0 });
  const arrivals = await load.call('recorded', group);
  for (const [index, times] of arrivals.pushes.slice(warmups).entries()) {
    const changedAt = result.changedAt[index] ?? Number.NaN;
    samples.toMedianMs.push((times[times.length >> 1] ?? Number.NaN) - changedAt);
    samples.toLastMs.push((times.at(-1) ?? Number.NaN) - changedAt);
  }
  samples.sendUs.push(...result.sendMicroseconds);
  samples.sendAndAckUs.push(...result.sendAndAckMicroseconds);
  samples.lagMs.push(result.worstLag);
}

async function rowOf(
  { name, bytes }: Variant,
  samples: Samples,
  { streams, endpoints, splits }: { readonly streams: number; readonly endpoints: number; readonly splits: boolean },
): Promise<FanoutRow> {
  const toLast = spreadOf(samples.toLastMs);
  return {
    name,
    streams,
    endpoints,
    bytes: await bytes(),
    sendUs: splits ? spreadOf(samples.sendUs).median : undefined,
    sendAndAckUs: spreadOf(samples.sendAndAckUs).median,
    toMedianMs: spreadOf(samples.toMedianMs).median,
    toLastMs: toLast.median,
    toLastP99Ms: toLast.p99,
    lagMs: spreadOf(samples.lagMs).median,
  };
}

function reportFanout(report: Report, rows: readonly FanoutRow[]): void {
  for (const row of rows) {
    const floor = rows.find(({ streams }) => streams === row.streams);
    const { sendUs } = row;
    report.row(`${row.name}, ${row.streams} sidecars, ${row.endpoints} endpoints`, {
      bytes: row.bytes,
      ...(sendUs === undefined ? {} : { sendUs: rounded(sendUs), sendToFloor: rounded(sendUs / (floor?.sendUs ?? 1)) }),
      sendAndAckUs: rounded(row.sendAndAckUs),
      toFloor: rounded(row.sendAndAckUs / (floor?.sendAndAckUs ?? 1)),
      msToMedian: rounded(row.toMedianMs),
      msToLast: rounded(row.toLastMs),
      msToLastP99: rounded(row.toLastP99Ms),
      worstLagMs: rounded(row.lagMs),
    });
  }
}
