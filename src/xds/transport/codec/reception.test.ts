import { describe, expect, it } from 'vitest';
import { Reception, type Source } from './reception.ts';

/** A clock that only reading moves, and an event loop that turns when the test says so. */
class Scene {
  readonly read: string[] = [];
  #now = 0;
  #soon: (() => void)[] = [];
  readonly reception = new Reception({
    now: () => this.#now,
    wallTime: () => 0,
    after: () => () => undefined,
    soon: (callback) => void this.#soon.push(callback),
  });

  /** Turns until nothing waits; gives how long each took. */
  turns(): readonly number[] {
    const lengths: number[] = [];
    while (this.#soon.length > 0) {
      const start = this.#now;
      for (const callback of this.#soon.splice(0)) callback();
      lengths.push(this.#now - start);
    }
    return lengths;
  }

  /** @param milliseconds that it takes to read a piece of it */
  source(name: string, milliseconds: number): Source & { readonly states: string[] } {
    const states: string[] = [];
    return {
      states,
      read: (bytes) => {
        this.read.push(`${name} ${bytes.length}`);
        this.#now += milliseconds;
      },
      pause: () => void states.push('paused'),
      resume: () => void states.push('resumed'),
    };
  }
}

describe('what lies ready on many connections', () => {
  it('is read at once while there is time', () => {
    const scene = new Scene();
    const source = scene.source('a', 0.01);
    for (let count = 0; count < 100; count++) scene.reception.take(source, Buffer.alloc(90));
    expect(scene.read).toHaveLength(100);
    expect(source.states).toEqual([]);
  });

  it('is read in turns when it takes long, one large request in each (hot-path/H1421, hot-path/H605)', () => {
    const scene = new Scene();
    const sources = Array.from({ length: 300 }, (_, index) => scene.source(String(index), 25));
    for (const source of sources) scene.reception.take(source, Buffer.alloc(60_000));
    expect(scene.read).toHaveLength(1);
    const turns = scene.turns();
    expect(scene.read.map((each) => Number(each.split(' ')[0]))).toEqual(sources.map((_, index) => index));
    expect(Math.max(...turns)).toBeLessThanOrEqual(50);
    for (const { states } of sources.slice(1)) expect(states).toEqual(['paused', 'resumed']);
  });

  it('is read in order on each, ACKs of others before large requests (hot-path/H605)', () => {
    const scene = new Scene();
    const [busy, large, small] = [scene.source('busy', 20), scene.source('large', 20), scene.source('small', 0.1)];
    scene.reception.take(busy, Buffer.alloc(50_000));
    scene.reception.take(large, Buffer.alloc(40_000));
    scene.reception.take(large, Buffer.alloc(100));
    scene.reception.take(small, Buffer.alloc(90));
    scene.turns();
    expect(scene.read).toEqual(['busy 50000', 'small 90', 'large 40000', 'large 100']);
  });

  it('is not read when the connection is gone by then', () => {
    const scene = new Scene();
    const gone = scene.source('gone', 1);
    scene.reception.take(scene.source('busy', 20), Buffer.alloc(50_000));
    scene.reception.take(gone, Buffer.alloc(50_000));
    expect(scene.reception.isWaiting(gone)).toBe(true);
    scene.reception.forget(gone);
    expect(scene.reception.isWaiting(gone)).toBe(false);
    scene.turns();
    expect(scene.read).toEqual(['busy 50000']);
  });
});
