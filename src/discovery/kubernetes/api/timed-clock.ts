import type { Clock } from '../../registry.ts';

/** Time with alarms: a parameter, so that hours can pass in a test. */
export interface TimedClock extends Clock {
  /** Calls back once after so many milliseconds. Gives the function that prevents it. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Settles when the time is over, or at once when the signal is aborted; never throws. */
export function pause(clock: TimedClock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(milliseconds, finish);
    signal.addEventListener('abort', finish);
  });
}
