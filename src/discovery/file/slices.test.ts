import { expect, it } from 'vitest';
import { inSlices, throughout } from './slices.ts';

interface Work {
  readonly steps: Iterator<undefined, void>;
  readonly monotonic: () => number;
  readonly done: () => number;
}

/** Steps of a millisecond each, by a clock that only they move. */
function someWork(count: number): Work {
  let now = 0;
  function* steps(): Generator<undefined, void> {
    while (now < count) {
      now++;
      yield;
    }
  }
  return { steps: steps(), monotonic: () => now, done: () => now };
}

it('gives others their turn, and still comes to an end', async () => {
  const { steps, monotonic, done } = someWork(100);
  const seen = new Set<number>();
  const working = inSlices(steps, monotonic, new AbortController().signal);
  while (done() < 100) {
    seen.add(done());
    await new Promise(setImmediate);
  }
  await working;
  expect(seen.size).toBeGreaterThan(3);
});

it('leaves the rest undone when it is told to stop', async () => {
  const { steps, monotonic, done } = someWork(100);
  const abort = new AbortController();
  const working = inSlices(steps, monotonic, abort.signal);
  abort.abort();
  await working;
  expect(done()).toBeLessThan(100);
});

it('does everything at once when nobody waits', () => {
  const { steps, done } = someWork(100);
  throughout(steps);
  expect(done()).toBe(100);
});
