import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ListTurns } from './turns.ts';

describe('turns', () => {
  const never = new AbortController().signal;

  /** Work that is over when the test says so. */
  function aJob(name: string, begun: string[]) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const work = (): Promise<string> => {
      begun.push(name);
      return promise;
    };
    return { work, finish: () => resolve(name), fail: () => reject(new Error(name)) };
  }

  it('are taken by two at a time, and by those of the highest rank last (kubernetes/K25)', async () => {
    const turns = new ListTurns(2);
    const begun: string[] = [];
    const jobs = ['a', 'b', 'pods', 'c', 'd'].map((name) => ({ name, ...aJob(name, begun) }));
    const done = jobs.map(({ name, work }) => turns.at(name === 'pods' ? 1 : 0)(work, never));
    await setImmediate();
    expect(begun).toEqual(['a', 'b']);
    jobs[1]?.finish();
    expect(await done[1]).toBe('b');
    await setImmediate();
    expect(begun).toEqual(['a', 'b', 'c']);
    jobs[0]?.finish();
    jobs[3]?.finish();
    await setImmediate();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'pods']);
    jobs[4]?.finish();
    jobs[2]?.finish();
    await Promise.all(done);
  });

  it('go on when the work fails, and when somebody who waits gives up (kubernetes/K43)', async () => {
    const turns = new ListTurns(1);
    const begun: string[] = [];
    const [first, second, third] = [aJob('first', begun), aJob('second', begun), aJob('third', begun)];
    const patience = new AbortController();
    const done = [
      turns.at(0)(first.work, never),
      turns.at(0)(second.work, patience.signal),
      turns.at(0)(third.work, never),
    ] as const;
    const reason = new Error('enough');
    patience.abort(reason);
    await expect(done[1]).rejects.toBe(reason);
    first.fail();
    await expect(done[0]).rejects.toThrow('first');
    third.finish();
    expect(await done[2]).toBe('third');
    expect(begun).toEqual(['first', 'third']);
    await expect(turns.at(0)(second.work, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
