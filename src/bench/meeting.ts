import type { LoadHandlers } from './load/process.ts';
import { sidecarGroup, subscriptionTo } from './load/sidecars.ts';
import type { Opened, Totals } from './load/plan.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { Remote, type RemoteOptions } from './remote.ts';

/** Sidecars that meet a control plane that runs already: how long each waits for everything, and what it hears afterwards. */

export interface MeetingPlan {
  /** `host:port`, plaintext. */
  readonly address: string;
  readonly sidecars: number;
  /** How long they stay. */
  readonly seconds: number;
}

export interface Meeting {
  /** What one sidecar gets: clusters, their load assignments, listeners. */
  readonly resources: number;
  readonly bytes: number;
  readonly opened: Opened;
  /** While they stayed. */
  readonly messages: number;
  readonly totals: Totals;
}

/** Milliseconds without anything new after which one sidecar alone has everything. */
const quiet = 500;

/**
 * @param progress hears what happens now
 * @throws when nobody answers, or the sidecars do not get what the first one got
 */
export async function meetControlPlane(
  plan: MeetingPlan,
  options: RemoteOptions,
  progress: (text: string) => void = () => undefined,
): Promise<Meeting> {
  const load = new Remote<LoadHandlers>(new URL('load/process', import.meta.url), options);
  try {
    progress(`one sidecar connects to ${plan.address}`);
    const alone = await whatOneGets(load, plan.address);
    progress(`connecting ${plan.sidecars} sidecars`);
    const opened = await load.call('open', everything('all', plan.address, plan.sidecars, alone.resources));
    progress(`listening for ${plan.seconds} s`);
    await delay(plan.seconds * 1000);
    const totals = await load.call('totals', 'all');
    const messages = totals.messages - opened.totals.messages;
    return { resources: alone.resources, bytes: alone.bytes, opened, messages, totals };
  } finally {
    await load.stop();
  }
}

async function whatOneGets(load: Remote<LoadHandlers>, address: string): Promise<Totals> {
  await load.call('open', { ...everything('alone', address, 1, 1), deadline: 10_000 });
  for (let before = 0; ;) {
    await delay(quiet);
    const totals = await load.call('totals', 'alone');
    if (totals.messages === before) {
      await load.call('close', 'alone');
      return totals;
    }
    before = totals.messages;
  }
}

function everything(name: string, address: string, count: number, complete: number) {
  const bodies = [
    subscriptionTo({ type: 'envoy.config.cluster.v3.Cluster', names: [] }),
    subscriptionTo({ type: 'envoy.config.listener.v3.Listener', names: [] }),
  ];
  const stepsOf = () => [
    { body: 0, after: 0 },
    { body: 1, after: 0 },
  ];
  return sidecarGroup({ name, address, count, bodies, stepsOf, complete });
}
