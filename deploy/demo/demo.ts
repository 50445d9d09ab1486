import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EnvoyMissing, envoyVersion, locateEnvoy } from '../../src/app/envoy-binary.ts';
import { Arrivals } from './arrivals.ts';
import { EndedEarly } from './child.ts';
import { freePlay } from './free-play.ts';
import type { MeshHome } from './mesh-home.ts';
import { Mesh } from './mesh.ts';
import { tellStory, type Stage } from './run-story.ts';
import { Screen } from './screen.ts';
import { securityStory } from './security-story.ts';
import { story } from './story.ts';
import { Terminal } from './terminal.ts';
import { byToken, nobodyAsks } from './trust.ts';
import { count, milliseconds, renderReasons } from './view.ts';
import { Visitors } from './visitors.ts';

/**
 * `npm run demo`: Weir, three small services with a real Envoy beside each pod, traffic, and a story. With `--once` it ends with
 * the story, and with exit code 1 if anything failed that was not meant to.
 */

const usage = `Usage: npm run demo [-- --once] [--kubernetes] [--mtls]

  --once         tell the story and end; exit code 1 on any unexpected failure
  --kubernetes   with kubectl on a real API server, in place of a folder of files (Linux)
  --mtls         sidecars show who they are; calls are encrypted, and who may call whom is said
  --help         this text`;

interface Pace {
  readonly requestsPerSecond: number;
  /** Requests that each step is watched for. */
  readonly requestsPerStep: number;
}

const unhurried: Pace = { requestsPerSecond: 80, requestsPerStep: 640 };
const once: Pace = { requestsPerSecond: 100, requestsPerStep: 380 };

const options = {
  once: { type: 'boolean' },
  kubernetes: { type: 'boolean' },
  mtls: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;
/** Set where everything runs in a network of its own already. */
const inside = 'WEIR_DEMO_INSIDE';

const { values: flags } = parseArgs({ options });
if (flags.help === true) console.log(usage);
else if (flags.kubernetes !== true) process.exitCode = await demo(flags.once === true, undefined);
else process.exitCode = await demoOnKubernetes(flags.once === true);

/** Gives the exit code. */
async function demoOnKubernetes(isOnce: boolean): Promise<number> {
  // The folder of tests has the API server; who plays with files needs none of it.
  const { podRange, startClusterHome } = await import('./cluster-home.ts');
  const { locateControlPlane } = await import('../../test/support/api-server/programs.ts');
  const { runInOwnNetwork } = await import('./own-network.ts');
  try {
    const programs = await locateControlPlane(process.env, (line) => console.error(line));
    if (process.env[inside] !== undefined) return await demo(isOnce, () => startClusterHome(programs));
    // What is to be fetched is fetched before the network is gone.
    await locateEnvoy(process.env);
    return await runInOwnNetwork(podRange, fileURLToPath(import.meta.url), process.argv.slice(2), { [inside]: '1' });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** Gives the exit code. */
async function demo(isOnce: boolean, startHome: (() => Promise<MeshHome>) | undefined): Promise<number> {
  const terminal = new Terminal(process.stdout);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
  let mesh: Mesh | undefined;
  try {
    const envoy = await locateEnvoy(process.env, () => terminal.say(`Fetching Envoy ${envoyVersion} (once, 37 MB) …`));
    mesh = await Mesh.start(
      envoy,
      startHome,
      flags.mtls === true ? byToken : () => nobodyAsks,
      (line) => terminal.say(line),
      stopping.signal,
    );
    return await watchStory(mesh, terminal, isOnce, stopping.signal);
  } catch (error) {
    if (stopping.signal.aborted) return 130;
    const isExplained = error instanceof EnvoyMissing || error instanceof EndedEarly;
    terminal.say(isExplained ? error.message : describeBug(error));
    return 1;
  } finally {
    if (stopping.signal.aborted) terminal.say('Stopping …');
    await mesh?.stop();
  }
}

async function watchStory(mesh: Mesh, terminal: Terminal, isOnce: boolean, signal: AbortSignal): Promise<number> {
  const { requestsPerSecond, requestsPerStep } = isOnce ? once : unhurried;
  const visitors = new Visitors(mesh, requestsPerSecond);
  const arrivals = new Arrivals(mesh.weir);
  const screen = new Screen(mesh, visitors, arrivals, terminal);
  const stage: Stage = { mesh, visitors, arrivals, terminal, show: (scene) => screen.show(scene) };
  if (!terminal.isLive) visitors.onFailure = (why) => terminal.say(`    unexpected failure: ${why}`);
  const leaving = new AbortController();
  const untilLeft = AbortSignal.any([leaving.signal, signal]);
  const accompanied = Promise.all([visitors.run(untilLeft), screen.run(untilLeft)]);
  try {
    const problems = await Promise.race([
      tellStory(stage, flags.mtls === true ? [...securityStory, ...story] : story, requestsPerStep, signal),
      mesh.accident(),
    ]);
    const { failed } = visitors.total;
    terminal.say('', ...summary(visitors, arrivals, problems));
    if (!isOnce) {
      terminal.say('', ...thingsToTry(mesh));
      screen.showRecent();
      await Promise.race([freePlay(stage, signal), mesh.accident()]);
    }
    return failed === 0 && problems.length === 0 ? 0 : 1;
  } finally {
    leaving.abort();
    await accompanied;
  }
}

function summary({ total }: Visitors, { median }: Arrivals, problems: readonly string[]): readonly string[] {
  const injected = total.injected === 0 ? '' : ` (and ${count(total.injected, 'fault')} that the story injected)`;
  const latency = median === undefined ? 'unknown' : milliseconds(median);
  return [
    `The story is over: ${count(total.requests, 'request')}, ${count(total.failed, 'unexpected failure')}${injected}.`,
    `Change to ACK, from the event that Weir hears to the sidecar's acknowledgement: median ${latency}.`,
    ...renderReasons(total),
    ...problems.map((problem) => `Not as it should be: ${problem}`),
  ];
}

function thingsToTry(mesh: Mesh): readonly string[] {
  const workloads = [...mesh.workloads.values()].filter(({ sidecar }) => !sidecar.child.hasEnded);
  const curls = workloads.flatMap(({ pod, proxyPort }) =>
    pod.app === 'stock'
      ? []
      : [`  curl -x 127.0.0.1:${proxyPort} http://${pod.app === 'web' ? 'catalogue' : 'stock'}/   # as ${pod.name}`],
  );
  const admins = workloads.map(({ pod, sidecar }) => `  http://${sidecar.admin}   # ${pod.name}`);
  return [
    'The mesh stays up until Ctrl-C. Things to try:',
    ...mesh.home.invitation(mesh.folder).map((line) => `  ${line}`),
    `  bin/weir status --admin ${mesh.weir.admin}`,
    `  curl ${mesh.weir.admin}/metrics`,
    ...curls,
    'Admin pages of the Envoys:',
    ...admins,
    `Logs: ${mesh.logs}`,
  ];
}

function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
