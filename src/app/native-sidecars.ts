import { pause, type TimedClock } from '../discovery/kubernetes/api/timed-clock.ts';
import type { ApiClient } from '../discovery/kubernetes/api/api-client.ts';

/** Whether a cluster runs init containers that stay, which is how a sidecar starts first and ends last (kubernetes K109). */

export interface NativeSidecars {
  /** What is known; until the cluster was asked, that of clusters of today. */
  readonly current: () => boolean;
  /** Asks, and asks again now and then, since clusters are upgraded under way. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Milliseconds between questions, and after one that was not answered. */
const times = { look: 600_000, retry: 5_000 } as const;
/** Nodes may be three minor versions older than the API server, and have such containers from 1.29 on. */
const oldestMinor = 32;

/** @param wanted what the settings say; `auto`: the cluster decides */
export function nativeSidecars(
  wanted: 'auto' | 'true' | 'false',
  client: ApiClient | undefined,
  clock: TimedClock,
): NativeSidecars {
  let known = wanted !== 'false';
  return {
    current: () => known,
    run: async (signal) => {
      if (wanted !== 'auto' || client === undefined) return;
      while (!signal.aborted) {
        const minor = await minorVersion(client, signal).catch(() => undefined);
        if (minor !== undefined) known = minor >= oldestMinor;
        await pause(clock, minor === undefined ? times.retry : times.look, signal);
      }
    },
  };
}

/** undefined: it said something else. */
async function minorVersion(client: ApiClient, signal: AbortSignal): Promise<number | undefined> {
  const { body } = await client.request({ path: '/version' }, signal);
  const minor = typeof body === 'object' && body !== null && 'minor' in body ? body.minor : undefined;
  const number = typeof minor === 'string' ? Number.parseInt(minor, 10) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}
