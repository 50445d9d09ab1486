import { setImmediate } from 'node:timers/promises';

/** Long work in steps, so that the event loop gets its turn: proxies wait for nobody's file. */

const sliceMs = 10;

/**
 * Does the steps until they are done, and lets other things happen whenever a slice of time is used up.
 *
 * @returns early, with the rest undone, when the signal is aborted
 */
export async function inSlices(
  steps: Iterator<undefined, void>,
  monotonic: () => number,
  signal: AbortSignal,
): Promise<void> {
  let sliceEnd = monotonic() + sliceMs;
  while (!signal.aborted && steps.next().done !== true) {
    if (monotonic() < sliceEnd) continue;
    await setImmediate();
    sliceEnd = monotonic() + sliceMs;
  }
}

/** Does all steps at once. */
export function throughout(steps: Iterator<undefined, void>): void {
  while (steps.next().done !== true);
}
