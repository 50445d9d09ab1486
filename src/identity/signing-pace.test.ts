import { describe, expect, it } from 'vitest';
import { SteppedClock } from '../../test/support/authorities.ts';
import { FairQueue } from './fair-queue.ts';
import { SigningPace, type PaceLimits } from './signing-pace.ts';

/** Everything that is asked for is done at once when its turn has come; `done` and `busy` say what became of it, by line. */
function aPace(limits: Partial<PaceLimits> = {}) {
  const clock = new SteppedClock();
  const pace = new SigningPace(clock, { perInstanceMinute: 5, perSecond: 200, atOnce: 4, waiting: 1000, ...limits });
  const done: string[] = [];
  const busy: string[] = [];
  const ask = async (line: string, instance = `${line} ${Math.random()}`): Promise<void> => {
    const paced = await pace.run({ line, instance }, () => Promise.resolve());
    (paced.kind === 'done' ? done : busy).push(line);
  };
  /** Lets time pass in small steps, and what was to happen in each happen. */
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += 5) {
      clock.pass(5);
      await settled();
    }
  };
  return { clock, pace, ask, pass, done, busy };
}

/** Everything that waits for nothing has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe('reliability/S66', () => {
  it('reliability/S58: one instance gets five a minute, however many others of its identity there are', async () => {
    const { ask, done, busy } = aPace();
    for (let pod = 0; pod < 20; pod++) for (let n = 0; n < 7; n++) void ask('web', `pod ${pod}`);
    await settled();
    expect(done).toHaveLength(100);
    expect(busy).toHaveLength(40);
  });

  it('an instance gets the next one twelve seconds later', async () => {
    const { clock, ask, done } = aPace();
    for (let n = 0; n < 6; n++) void ask('web', 'pod');
    await settled();
    clock.pass(11_900);
    await ask('web', 'pod');
    expect(done).toHaveLength(5);
    clock.pass(101);
    await ask('web', 'pod');
    expect(done).toHaveLength(6);
  });

  it('all together get 200 a second', async () => {
    const { ask, pass, pace, done } = aPace();
    for (let n = 0; n < 800; n++) void ask('web');
    await settled();
    expect(done).toHaveLength(200);
    await pass(1000);
    expect(done.length).toBeGreaterThanOrEqual(395);
    expect(done.length).toBeLessThanOrEqual(401);
    await pass(2100);
    expect(done).toHaveLength(800);
    expect(pace.waiting).toBe(0);
  });

  it('ten times as many as there is room for of one identity keep nobody else waiting', async () => {
    const { clock, ask, done } = aPace();
    for (let n = 0; n < 2000; n++) void ask('flood');
    await settled();
    for (const line of ['a', 'b', 'c']) void ask(line);
    clock.pass(20);
    await settled();
    expect(done.slice(200)).toEqual(expect.arrayContaining(['a', 'b', 'c']));
  });

  it('who is refused because there are too many has lost nothing of its own', async () => {
    const { ask, pass, done, busy } = aPace({ waiting: 10, perSecond: 4 });
    for (let n = 0; n < 14; n++) void ask('web');
    for (let n = 0; n < 5; n++) void ask('web', 'late');
    await settled();
    expect(busy).toHaveLength(5);
    await pass(3000);
    expect(done).toHaveLength(14);
    for (let n = 0; n < 5; n++) void ask('web', 'late');
    await pass(1500);
    expect(done).toHaveLength(19);
  });
});

it('istio-compat/I57: works on few at a time, and goes on when one has failed', async () => {
  const clock = new SteppedClock();
  const pace = new SigningPace(clock, { perInstanceMinute: 5, perSecond: 200, atOnce: 2, waiting: 10 });
  let working = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++working);
    await settled();
    working--;
    throw new Error('no');
  };
  const all = Array.from({ length: 8 }, (_, n) => pace.run({ line: 'web', instance: `${n}` }, work));
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 'rejected'));
  expect(most).toBe(2);
});

describe('a fair queue', () => {
  it('serves its lines in turn', () => {
    const queue = new FairQueue<string>(10);
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item.slice(0, 1), item);
    expect(Array.from({ length: 7 }, () => queue.shift())).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', undefined]);
  });

  it('has the longest line give way when it is full', () => {
    const queue = new FairQueue<string>(3);
    for (const item of ['a1', 'a2', 'a3']) expect(queue.push('a', item)).toBeUndefined();
    expect(queue.push('a', 'a4')).toBe('a4');
    expect(queue.push('b', 'b1')).toBe('a3');
    expect(queue.push('b', 'b2')).toBe('b2');
    expect(queue.size).toBe(3);
  });
});
