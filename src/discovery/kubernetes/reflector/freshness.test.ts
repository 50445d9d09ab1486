import { describe, expect, it } from 'vitest';
import { ManualTimedClock } from '../../../../test/support/timed-clocks.ts';
import { Freshness } from './freshness.ts';

function aFreshness() {
  const told: string[] = [];
  const clock = new ManualTimedClock();
  const freshness = new Freshness(clock, (health) =>
    told.push(health.kind === 'following' ? 'following' : `${health.kind}: ${health.reason}`),
  );
  return { freshness, clock, told };
}

describe('freshness', () => {
  it('is unknown until the handler has a complete set', () => {
    const { freshness, told } = aFreshness();
    freshness.heard();
    freshness.lost('no route');
    freshness.lost('no route');
    freshness.heard();
    expect(told).toEqual(['unknown: no route']);
    freshness.complete();
    expect(told.at(-1)).toBe('following');
  });

  it('is lost when the watch is away for forty seconds, for the reason that counts by then', () => {
    const { freshness, clock, told } = aFreshness();
    freshness.complete();
    freshness.lost('reset');
    clock.advance(39_000);
    freshness.accepted();
    freshness.lost('reset');
    clock.advance(39_000);
    freshness.lost('refused');
    expect(told).toEqual(['following']);
    clock.advance(1000);
    expect(told).toEqual(['following', 'stale: refused']);
    freshness.lost('no route');
    freshness.accepted();
    expect(told.slice(2)).toEqual(['stale: no route', 'following']);
    expect(clock.waiting.size).toBe(0);
  });

  it('is lost at once when the server is silent, until it says something (kubernetes/K49)', () => {
    const { freshness, told } = aFreshness();
    freshness.complete();
    freshness.silent('silence');
    freshness.accepted();
    expect(told).toEqual(['following', 'stale: silence']);
    freshness.heard();
    freshness.lost('reset');
    freshness.accepted();
    expect(told).toEqual(['following', 'stale: silence', 'following']);
  });

  it('says that there is no such kind, or that it must not be seen (kubernetes/K53, kubernetes/K54)', () => {
    const { freshness, told } = aFreshness();
    freshness.refused('absent', 'not found');
    freshness.refused('absent', 'not found');
    freshness.refused('forbidden', 'no');
    freshness.lost('reset');
    freshness.complete();
    expect(told).toEqual(['absent: not found', 'forbidden: no', 'unknown: reset', 'following']);
  });
});
