import { describeError } from '../../observe/log.ts';
import { ApiError, type ApiClient } from './api/api-client.ts';
import { pause, type TimedClock } from './api/timed-clock.ts';
import { Undertaking } from './api/undertaking.ts';

/**
 * Whether an API server still knows what is true. A quiet kind says nothing for minutes, and a server whose store stands still goes on
 * sending bookmarks and answering from memory (kubernetes K137, K156): only a read for which it has to ask its store tells them apart.
 */

export interface ServerProbeOptions {
  readonly client: ApiClient;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Called with the reason when the server is no longer to be believed, and with undefined when it is again. */
export type Doubted = (reason: string | undefined) => void;

/** Milliseconds between two reads, and by chance up to a half more; for an answer; after a failure; without an answer until the doubt. */
const times = { interval: 15_000, answer: 15_000, retry: 5_000, patience: 60_000 } as const;

/** One object at most, as true as the store itself; everybody who follows a cluster may list namespaces. */
const read = { path: '/api/v1/namespaces', query: { limit: '1' } } as const;

/** Asks now and then until the signal is aborted, one read per server and not per kind. */
export async function probeServer(options: ServerProbeOptions, doubted: Doubted, signal: AbortSignal): Promise<void> {
  const { clock, random } = options;
  let cancel = (): void => undefined;
  let reason = 'it was not asked yet';
  const begin = (): void => {
    cancel = clock.after(times.patience, () =>
      doubted(`the API server has answered no read from its store for ${times.patience / 1000} s: ${reason}`),
    );
  };
  begin();
  while (!signal.aborted) {
    const failure = await failureOfRead(options, signal);
    if (failure === undefined) {
      cancel();
      begin();
      doubted(undefined);
    } else reason = failure;
    const wait = failure === undefined ? times.interval : times.retry;
    await pause(clock, wait * (1 + random() / 2), signal);
  }
  cancel();
}

/** @returns undefined: the server has answered, or will not answer us */
async function failureOfRead({ client, clock }: ServerProbeOptions, signal: AbortSignal): Promise<string | undefined> {
  // By an end of its own: a read that the client gives up makes it leave a connection which is none the worse for it.
  const undertaking = new Undertaking([signal], clock);
  undertaking.expect(times.answer, () => new ApiError('timeout', `no answer in ${times.answer / 1000} s`));
  try {
    await client.request(read, undertaking.signal);
    return undefined;
  } catch (error) {
    const isRefusal = error instanceof ApiError && error.failure === 'refused' && (error.status ?? 500) < 500;
    return isRefusal ? undefined : describeError(error);
  } finally {
    undertaking.finish();
  }
}
