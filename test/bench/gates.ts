import { setTimeout as delay } from 'node:timers/promises';
import { measureDependenceOnSize, measureRebuild } from './change.ts';
import { measureScan } from './decode.ts';
import { protobufjsToByHand } from './encode.ts';
import { measureFanout } from './fanout.ts';
import { measureState, measureSubscriptions } from './memory.ts';
import { Processes } from './processes.ts';
import { rounded, type Bench } from './report.ts';
import { chosenTransport, Scene } from './scene.ts';
import { measureSteadyStall } from './stall.ts';
import { measureFullStorm, measureIdle, measureMatchingStorm } from './storm.ts';

/**
 * What must go on being true (hot-path H1302): ratios inside one run, memory and exact counts, never times. Where the goal is not
 * reached yet, a looser limit keeps what there is from getting worse, and the table says that the goal is missed.
 */

interface Gate {
  readonly item: string;
  readonly what: string;
  /** In words that the figure completes: `at most 20 KB`. */
  readonly goal: Bound;
  /** What fails the run; the goal itself once that is reached. */
  readonly limit?: Bound;
}

type Bound = { readonly atMost: number } | { readonly atLeast: number };

interface Measured {
  readonly gate: Gate;
  readonly figure: number;
}

const gates = {
  encoder: {
    item: 'H1401',
    what: 'protobufjs / own encoder, 1,000 endpoints',
    goal: { atLeast: 5 },
    limit: { atLeast: 3 },
  },
  size: { item: 'H1403', what: 'one change, 20,000 / 1,000 services', goal: { atMost: 1.3 }, limit: { atMost: 2 } },
  floor: {
    item: 'H1407',
    what: 'CPU per push and ACK, Weir / bare sockets, 1,000 sidecars',
    goal: { atMost: 2 },
    limit: { atMost: 4 },
  },
  naive: { item: 'H1408', what: 'CPU per push and ACK, naive / Weir, 1,000 sidecars', goal: { atLeast: 10 } },
  state: { item: 'H1413', what: 'MB for 50,000 endpoints', goal: { atMost: 40 }, limit: { atMost: 60 } },
  process: {
    item: 'H1414',
    what: 'MB resident, 1,000 sidecars and 50,000 endpoints',
    goal: { atMost: 220 },
    limit: { atMost: 380 },
  },
  subscription: {
    item: 'H1415',
    what: 'KB for a sidecar that wants 5,000 resources',
    goal: { atMost: 20 },
    limit: { atMost: 30 },
  },
  idle: { item: 'H1416', what: 'KB resident for an idle stream', goal: { atMost: 50 }, limit: { atMost: 80 } },
  storm: {
    item: 'H1419',
    what: 'MB more when 200 sidecars connect at once',
    goal: { atMost: 100 },
    limit: { atMost: 500 },
  },
  matching: { item: 'H1420', what: 'resources sent to 100 sidecars with matching versions', goal: { atMost: 0 } },
  stalled: {
    item: 'H1422',
    what: 'MB more for 500 stalled sidecars, 200 changes',
    goal: { atMost: 5 },
    limit: { atMost: 20 },
  },
  rebuild: { item: 'H1423', what: 'changes told of by a rebuild without a change', goal: { atMost: 0 } },
  merging: { item: 'H1424', what: 'responses for 1,000 changes while an ACK is late', goal: { atMost: 2 } },
  scan: {
    item: 'H1425',
    what: 'scan of 5,000 versions / generated decoder',
    goal: { atMost: 0.6 },
    limit: { atMost: 1.1 },
  },
} as const satisfies Readonly<Record<string, Gate>>;

export const gatesBench: Bench = {
  name: 'gates',
  title: 'ratios, memory and exact counts that must hold; fails when one does not',
  run: async (report) => {
    const measured = await measureAll();
    for (const { gate, figure } of measured) {
      report.row(`${gate.item} ${gate.what}`, {
        figure: rounded(figure),
        goal: describe(gate.goal),
        verdict: holds(figure, gate.goal) ? 'kept' : holds(figure, limitOf(gate)) ? 'goal missed' : 'FAILED',
      });
    }
    const broken = measured.filter(({ gate, figure }) => !holds(figure, limitOf(gate)));
    if (broken.length === 0) return;
    const lines = broken.map(
      ({ gate, figure }) => `${gate.item} ${gate.what}: ${rounded(figure)}, must be ${describe(limitOf(gate))}`,
    );
    throw new GateError(`${broken.length} of ${measured.length} gates failed:\n${lines.join('\n')}`);
  },
};

/** Something that was true is no longer. */
export class GateError extends Error {
  override readonly name = 'GateError';
}

async function measureAll(): Promise<readonly Measured[]> {
  const measured: Measured[] = [
    { gate: gates.encoder, figure: protobufjsToByHand(1_000) },
    { gate: gates.scan, figure: measureScan() },
    { gate: gates.size, figure: measureDependenceOnSize() },
    { gate: gates.rebuild, figure: measureRebuild().changed },
  ];
  const transport = chosenTransport();
  const fanout = await measureFanout({
    streams: [1_000],
    endpoints: 640,
    rounds: 3,
    splits: false,
    transports: [transport],
    naive: true,
  });
  const [floor, weir, naive] = fanout.map(({ sendAndAckUs }) => sendAndAckUs);
  const { servedMB, residentMB } = await measureState();
  measured.push(
    { gate: gates.floor, figure: (weir ?? Number.NaN) / (floor ?? 0) },
    { gate: gates.naive, figure: (naive ?? 0) / (weir ?? Number.NaN) },
    { gate: gates.state, figure: servedMB },
    { gate: gates.process, figure: residentMB },
    { gate: gates.subscription, figure: (await measureSubscriptions(200)).keptKB },
    { gate: gates.idle, figure: (await measureIdle(transport, 1_000)).residentKB },
    { gate: gates.stalled, figure: (await measureSteadyStall(transport)).retainedMB },
    { gate: gates.merging, figure: await measureMerging() },
    ...(await measureStorms()),
  );
  return measured;
}

/** As the program says it of protobufjs, for the largest assignment. */
/** Responses to one sidecar whose ACK takes longer than a thousand changes. */
async function measureMerging(): Promise<number> {
  await using processes = new Processes();
  const scene = await Scene.start(processes, { services: 1, endpointsPerService: 10 });
  const lateBy = 1_500;
  await scene.open(scene.everyAssignment('late', 1, 1));
  await scene.load.call('behave', { name: 'late', ack: { kind: 'late', milliseconds: lateBy }, grants: true });
  const { sent } = await scene.weir.call('delivered', undefined);
  await scene.weir.call('churn', { services: 1, changesPerSecond: 2_000, seconds: 0.5 });
  await delay(2 * lateBy);
  const after = await scene.weir.call('delivered', undefined);
  return after.sent - sent;
}

async function measureStorms(): Promise<readonly Measured[]> {
  await using processes = new Processes();
  const world = { services: 5_000, endpointsPerService: 10 };
  const scene = await Scene.start(processes, world);
  const matching = await measureMatchingStorm(scene, 100);
  const full = await measureFullStorm(scene, world, 200);
  return [
    { gate: gates.matching, figure: matching.resources },
    { gate: gates.storm, figure: full.peakMB },
  ];
}

function limitOf(gate: Gate): Bound {
  return gate.limit ?? gate.goal;
}

/** A figure that could not be worked out holds nothing. */
function holds(figure: number, bound: Bound): boolean {
  return 'atMost' in bound ? figure <= bound.atMost : figure >= bound.atLeast;
}

function describe(bound: Bound): string {
  return 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`;
}
