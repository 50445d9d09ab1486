import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { FlushQueue } from './flush-queue.ts';

class Rig {
  readonly turns: string[][] = [];
  readonly clock = new ManualClock();
  readonly queue = new FlushQueue({
    now: () => this.clock.now(),
    wallTime: () => 0,
    after: () => () => undefined,
    soon: (callback) => {
      this.clock.soon(() => {
        this.turns.push([]);
        callback();
      });
    },
  });

  stream(name: string, work: () => void = () => undefined): { flush: () => void } {
    return {
      flush: () => {
        this.turns.at(-1)?.push(name);
        work();
      },
    };
  }
}

describe('a flush queue', () => {
  it('flushes each stream once, however often it was added', () => {
    const rig = new Rig();
    const [a, b] = [rig.stream('a'), rig.stream('b')];
    for (const stream of [a, b, a]) rig.queue.add(stream, false);
    rig.clock.settle();
    expect(rig.turns).toEqual([['a', 'b']]);
  });

  it('serves first answers before refreshes (hot-path/H605)', () => {
    const rig = new Rig();
    rig.queue.add(rig.stream('refresh'), false);
    rig.queue.add(rig.stream('first'), true);
    rig.clock.settle();
    expect(rig.turns).toEqual([['first', 'refresh']]);
  });

  it('takes at most 64 streams a turn (hot-path/H605)', () => {
    const rig = new Rig();
    for (let index = 0; index < 150; index++) rig.queue.add(rig.stream(String(index)), false);
    rig.clock.settle();
    expect(rig.turns.map((turn) => turn.length)).toEqual([64, 64, 22]);
    expect(rig.turns.flat()).toEqual(Array.from({ length: 150 }, (_, index) => String(index)));
  });

  it('takes at most 5 ms a turn (hot-path/H605)', () => {
    const rig = new Rig();
    for (const name of ['a', 'b', 'c', 'd'])
      rig.queue.add(
        rig.stream(name, () => rig.clock.advance(3)),
        false,
      );
    rig.clock.settle();
    expect(rig.turns.filter((turn) => turn.length > 0)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('serves nobody twice before the others', () => {
    const rig = new Rig();
    let again = 3;
    const eager = rig.stream('eager', () => {
      if (again-- > 0) rig.queue.add(eager, false);
    });
    rig.queue.add(eager, false);
    rig.queue.add(rig.stream('other'), false);
    rig.clock.settle();
    expect(rig.turns.flat()).toEqual(['eager', 'other', 'eager', 'eager', 'eager']);
  });

  it('forgets a stream that has ended', () => {
    const rig = new Rig();
    const gone = rig.stream('gone');
    rig.queue.add(gone, false);
    rig.queue.remove(gone);
    rig.clock.settle();
    expect(rig.turns.flat()).toEqual([]);
    expect(rig.queue.size).toBe(0);
  });
});
