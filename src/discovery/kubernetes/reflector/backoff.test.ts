import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

describe('back-off', () => {
  function aBackoff(chance: number) {
    let now = 1000;
    const backoff = new Backoff(
      () => now,
      () => chance,
    );
    const waits = (count: number): number[] =>
      Array.from({ length: count }, () => {
        const wait = backoff.next();
        now += wait;
        return wait;
      });
    const pass = (milliseconds: number): void => {
      now += milliseconds;
    };
    return { backoff, waits, pass };
  }

  it('doubles from 0.8 s to 30 s, and by chance up to twice that (kubernetes/K15)', () => {
    expect(aBackoff(0).waits(8)).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect(aBackoff(0.5).waits(8)).toEqual([1200, 2400, 4800, 9600, 19_200, 38_400, 45_000, 45_000]);
  });

  it('begins anew after two minutes without a failure, and not before (kubernetes/K15)', () => {
    const { waits, pass } = aBackoff(0);
    waits(10);
    pass(120_000);
    expect(waits(1)).toEqual([30_000]);
    pass(120_001);
    expect(waits(2)).toEqual([800, 1600]);
  });

  it('waits as long as the server asks, if that is longer, but not for ever (kubernetes/K51)', () => {
    const { backoff } = aBackoff(0);
    expect([backoff.next(5000), backoff.next(100), backoff.next(1e12)]).toEqual([5000, 1600, 300_000]);
  });
});
