import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import type { Clock } from './clock.ts';
import { FlushQueue, unpaced } from './flush-queue.ts';

class Rig {
  readonly turns: string[][] = [];
  readonly clock = new ManualClock();
  /** Share of the time during which the loop was busy. */
  busy = 0;
  readonly queue: FlushQueue;

  constructor(pacing: { readonly shortestWindow: number; readonly longestWindow: number } = unpaced) {
    const clock: Clock = {
      now: () => this.clock.now(),
      wallTime: () => 0,
      after: (milliseconds, callback) => this.clock.after(milliseconds, callback),
      soon: (callback) => {
        this.clock.soon(() => {
          this.turns.push([]);
          callback();
        });
      },
    };
    this.queue = new FlushQueue(clock, { ...pacing, busyShare: () => this.busy });
  }

  /** Lets time pass. Gives who was flushed meanwhile, in order. */
  pass(milliseconds: number): readonly string[] {
    this.clock.advance(milliseconds);
    return this.turns.splice(0).flat();
  }

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
    for (const stream of [a, b, a]) rig.queue.add(stream, 'answer');
    rig.clock.settle();
    expect(rig.turns).toEqual([['a', 'b']]);
  });

  it('serves first answers before refreshes (hot-path/H605)', () => {
    const rig = new Rig();
    rig.queue.add(rig.stream('refresh'), 'answer');
    rig.queue.add(rig.stream('first'), 'first');
    rig.clock.settle();
    expect(rig.turns).toEqual([['first', 'refresh']]);
  });

  it('takes at most 64 streams a turn (hot-path/H605)', () => {
    const rig = new Rig();
    for (let index = 0; index < 150; index++) rig.queue.add(rig.stream(String(index)), 'answer');
    rig.clock.settle();
    expect(rig.turns.map((turn) => turn.length)).toEqual([64, 64, 22]);
    expect(rig.turns.flat()).toEqual(Array.from({ length: 150 }, (_, index) => String(index)));
  });

  it('takes at most 5 ms a turn (hot-path/H605)', () => {
    const rig = new Rig();
    for (const name of ['a', 'b', 'c', 'd'])
      rig.queue.add(
        rig.stream(name, () => rig.clock.advance(3)),
        'answer',
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
      if (again-- > 0) rig.queue.add(eager, 'answer');
    });
    rig.queue.add(eager, 'answer');
    rig.queue.add(rig.stream('other'), 'answer');
    rig.clock.settle();
    expect(rig.turns.flat()).toEqual(['eager', 'other', 'eager', 'eager', 'eager']);
  });

  it('forgets a stream that has ended', () => {
    const rig = new Rig();
    const gone = rig.stream('gone');
    rig.queue.add(gone, 'answer');
    rig.queue.remove(gone);
    rig.clock.settle();
    expect(rig.turns.flat()).toEqual([]);
    expect(rig.queue.size).toBe(0);
  });
});

describe('windows', () => {
  const pacing = { shortestWindow: 10, longestWindow: 100 };

  it('let the first change of endpoints go at once, and gather what follows for the same streams (hot-path/H602)', () => {
    const rig = new Rig(pacing);
    const [a, b] = [rig.stream('a'), rig.stream('b')];
    rig.queue.add(a, 'endpoints');
    expect(rig.pass(0)).toEqual(['a']);
    rig.clock.advance(4);
    for (let again = 0; again < 5; again++) rig.queue.add(a, 'endpoints');
    rig.queue.add(b, 'endpoints');
    expect(rig.pass(0)).toEqual(['b']);
    expect(rig.pass(5)).toEqual([]);
    expect(rig.pass(1)).toEqual(['a']);
    expect(rig.pass(100)).toEqual([]);
    rig.queue.add(a, 'endpoints');
    expect(rig.pass(0)).toEqual(['a']);
  });

  it('are not prolonged by what comes in them, so nothing waits longer than one (hot-path/H602)', () => {
    const rig = new Rig(pacing);
    const a = rig.stream('a');
    rig.queue.add(a, 'endpoints');
    const flushes: number[] = [];
    for (let millisecond = 0; millisecond < 40; millisecond++) {
      if (rig.pass(1).length > 0) flushes.push(millisecond);
      rig.queue.add(a, 'endpoints');
    }
    expect(flushes).toEqual([0, 9, 19, 29, 39]);
  });

  it('double while the loop is more than nine tenths busy, up to the longest, and halve when it is not (hot-path/H602)', () => {
    const rig = new Rig(pacing);
    const a = rig.stream('a');
    const windows: number[] = [];
    const run = (count: number): void => {
      for (let window = 0; window < count; window++) {
        rig.queue.add(a, 'endpoints');
        rig.pass(rig.queue.window);
        windows.push(rig.queue.window);
      }
    };
    rig.busy = 0.95;
    run(5);
    rig.busy = 0.85;
    run(5);
    expect(windows).toEqual([20, 40, 80, 100, 100, 50, 25, 12.5, 10, 10]);
  });

  it('make two of a burst of structural changes, for which no change of endpoints waits (hot-path/H603)', () => {
    const rig = new Rig(pacing);
    const [a, b] = [rig.stream('a'), rig.stream('b')];
    for (let change = 0; change < 100; change++) rig.queue.add(a, 'structure');
    expect(rig.pass(1)).toEqual(['a']);
    const flushed: string[] = [];
    for (let change = 0; change < 8; change++) {
      rig.queue.add(a, 'structure');
      flushed.push(...rig.pass(1));
    }
    expect(flushed).toEqual([]);
    rig.queue.add(b, 'endpoints');
    expect(rig.pass(0)).toEqual(['b']);
    expect(rig.pass(1)).toEqual(['a']);
    expect(rig.pass(100)).toEqual([]);
  });

  it('let a change of endpoints overtake the structure that waits, and take it along (hot-path/H603)', () => {
    const rig = new Rig(pacing);
    const a = rig.stream('a');
    rig.queue.add(a, 'structure');
    rig.pass(1);
    rig.queue.add(a, 'structure');
    expect(rig.pass(1)).toEqual([]);
    rig.queue.add(a, 'endpoints');
    expect(rig.pass(0)).toEqual(['a']);
    expect(rig.pass(100)).toEqual([]);
  });

  it('hold up no answer to a request', () => {
    const rig = new Rig(pacing);
    const a = rig.stream('a');
    rig.queue.add(a, 'endpoints');
    rig.pass(1);
    rig.queue.add(a, 'endpoints');
    rig.queue.add(a, 'answer');
    expect(rig.pass(0)).toEqual(['a']);
    expect(rig.pass(100)).toEqual([]);
  });

  it('leave nothing running and nothing behind', () => {
    const rig = new Rig(pacing);
    const a = rig.stream('a');
    rig.queue.add(a, 'endpoints');
    rig.pass(1);
    rig.queue.add(a, 'endpoints');
    rig.queue.remove(a);
    expect(rig.queue.size).toBe(0);
    expect(rig.pass(100)).toEqual([]);
  });
});

describe('changes of endpoints', () => {
  it('go before first answers and configuration, however much of those waits (hot-path/H605)', () => {
    const rig = new Rig();
    for (let index = 0; index < 200; index++) rig.queue.add(rig.stream('configuration'), 'structure');
    for (let index = 0; index < 200; index++) rig.queue.add(rig.stream('first'), 'first');
    rig.queue.add(rig.stream('endpoints'), 'endpoints');
    rig.clock.settle();
    expect(rig.turns.flat()[0]).toBe('endpoints');
    expect(rig.turns.flat()).toHaveLength(401);
  });

  it('starve nobody (xds-protocol/X169, xds-protocol/X70)', () => {
    const rig = new Rig();
    let left = 500;
    const flooding = Array.from({ length: 100 }, (_, index) => {
      const stream = rig.stream(`flood ${index}`, () => {
        if (left-- > 0) rig.queue.add(stream, 'endpoints');
      });
      return stream;
    });
    for (const stream of flooding) rig.queue.add(stream, 'endpoints');
    for (let index = 0; index < 10; index++) rig.queue.add(rig.stream('configuration'), 'structure');
    rig.clock.settle();
    expect(rig.turns[0]?.filter((name) => name === 'configuration')).toHaveLength(10);
    expect(rig.turns[0]).toHaveLength(58);
  });
});
