import { describe, expect, it } from 'vitest';
import { CycleError, ReadFailure, type Commit, type QueryFailure } from './commit.ts';
import type { Cause, Index, Query, Table } from './definitions.ts';
import { Engine } from './engine.ts';
import { InvariantError } from './invariant.ts';

interface Person {
  readonly name: string;
  readonly city: string;
  readonly age: number;
}

const people: Table<string, Person> = {
  name: 'people',
  keyOf: (person) => person.name,
  equal: (a, b) => a.city === b.city && a.age === b.age,
};
const peopleByCity: Index<string, string, Person> = {
  name: 'peopleByCity',
  table: people,
  valuesOf: (person) => [person.city],
};
const cause: Cause = { source: 'test', at: 0 };

function aPerson(name: string, city: string, age = 30): Person {
  return { name, city, age };
}

/** A query that notes the keys it was run for. */
function aQuery<Value>(
  name: string,
  compute: Query<string, Value>['compute'],
  equal?: (a: Value, b: Value) => boolean,
) {
  const runs: string[] = [];
  const noted: Query<string, Value>['compute'] = (read, key) => {
    runs.push(key);
    return compute(read, key);
  };
  return { name, compute: noted, ...(equal === undefined ? {} : { equal }), runs };
}

function engineWith(...rows: readonly Person[]): Engine {
  const engine = new Engine();
  engine.batch(cause, (write) => rows.forEach((row) => write.put(people, row)));
  return engine;
}

function put(engine: Engine, ...rows: readonly Person[]): Commit {
  return engine.batch(cause, (write) => rows.forEach((row) => write.put(people, row)));
}

const ignore = (): void => undefined;

describe('tables and indexes', () => {
  it('reads rows and sorted keys from outside, without keeping anything', () => {
    const engine = engineWith(aPerson('zoe', 'rome'), aPerson('ann', 'rome'), aPerson('bob', 'oslo'));
    expect(engine.read(people, 'bob')).toEqual(aPerson('bob', 'oslo'));
    expect(engine.read(people, 'nobody')).toBeUndefined();
    expect(engine.read(peopleByCity, 'rome')).toEqual(['ann', 'zoe']);
    expect(engine.read(peopleByCity, 'bonn')).toEqual([]);
    expect(engine.statistics().nodes).toBe(0);
    expect([...engine.rows(people)].map((row) => row.name).sort()).toEqual(['ann', 'bob', 'zoe']);
  });

  it('keeps an index right when rows move, come and go in one batch', () => {
    const engine = engineWith(aPerson('ann', 'rome'), aPerson('bob', 'rome'), aPerson('cid', 'rome'));
    expect(engine.read(peopleByCity, 'rome')).toEqual(['ann', 'bob', 'cid']);
    engine.batch(cause, (write) => {
      write.put(people, aPerson('bob', 'oslo'));
      write.remove(people, 'cid');
      write.put(people, aPerson('abe', 'rome'));
      write.put(people, aPerson('zoe', 'rome'));
    });
    expect(engine.read(peopleByCity, 'rome')).toEqual(['abe', 'ann', 'zoe']);
    expect(engine.read(peopleByCity, 'oslo')).toEqual(['bob']);
  });

  it('affects readers of an index value only when its membership changes', () => {
    const engine = engineWith(aPerson('ann', 'rome'), aPerson('bob', 'oslo'));
    const inRome = aQuery('inRome', (read) => read(peopleByCity, 'rome'));
    engine.watch(inRome, 'x', ignore);
    put(engine, aPerson('ann', 'rome', 31), aPerson('dan', 'oslo'));
    expect(inRome.runs).toHaveLength(1);
    put(engine, aPerson('dan', 'rome'));
    expect(inRome.runs).toHaveLength(2);
  });
});

describe('batches', () => {
  it('counts a put of an equal row, and a put taken back, as nothing', () => {
    const engine = engineWith(aPerson('ann', 'rome'));
    const commit = engine.batch(cause, (write) => {
      write.put(people, aPerson('ann', 'rome'));
      write.put(people, aPerson('bob', 'rome'));
      write.remove(people, 'bob');
      write.remove(people, 'nobody');
    });
    expect(commit).toMatchObject({ sequence: 1, changedRows: [] });
    expect(engine.sequence).toBe(1);
  });

  it('names the net changes', () => {
    const engine = engineWith(aPerson('ann', 'rome'), aPerson('bob', 'rome'));
    const commit = engine.batch(cause, (write) => {
      write.remove(people, 'ann');
      write.put(people, aPerson('bob', 'oslo'));
      write.put(people, aPerson('cid', 'oslo'));
    });
    expect(commit.changedRows).toEqual([
      { table: 'people', key: 'ann', kind: 'removed' },
      { table: 'people', key: 'bob', kind: 'updated' },
      { table: 'people', key: 'cid', kind: 'added' },
    ]);
  });

  it('changes nothing when the change throws', () => {
    const engine = engineWith(aPerson('ann', 'rome'));
    const attempt = (): unknown =>
      engine.batch(cause, (write) => {
        write.remove(people, 'ann');
        throw new Error('half way');
      });
    expect(attempt).toThrow('half way');
    expect(engine.read(people, 'ann')).toBeDefined();
    put(engine, aPerson('bob', 'rome'));
    expect(engine.read(people, 'ann')).toBeDefined();
  });

  it('changes nothing when an index function throws', () => {
    const engine = new Engine();
    const strict: Index<string, string, Person> = {
      name: 'strict',
      table: people,
      valuesOf: (person) => {
        if (person.city === '') throw new Error('no city');
        return [person.city];
      },
    };
    expect(engine.read(strict, 'rome')).toEqual([]);
    expect(() => put(engine, aPerson('ann', 'rome'), aPerson('bob', ''))).toThrow('no city');
    expect(engine.read(people, 'ann')).toBeUndefined();
    expect(engine.read(strict, 'rome')).toEqual([]);
  });

  it('joins nested batches into one commit, and takes back only the nested part that throws', () => {
    const engine = new Engine();
    const commits: Commit[] = [];
    engine.onCommit((commit) => commits.push(commit));
    engine.batch(cause, (write) => {
      write.put(people, aPerson('ann', 'rome'));
      put(engine, aPerson('bob', 'rome'));
      try {
        engine.batch(cause, (inner) => {
          inner.put(people, aPerson('cid', 'rome'));
          throw new Error('no');
        });
      } catch {
        // goes on without
      }
    });
    expect(commits).toHaveLength(1);
    expect(commits[0]?.changedRows.map((change) => change.key)).toEqual(['ann', 'bob']);
  });

  it('shows the last commit to reads during a batch', () => {
    const engine = engineWith(aPerson('ann', 'rome'));
    engine.batch(cause, (write) => {
      write.remove(people, 'ann');
      expect(engine.read(people, 'ann')).toBeDefined();
    });
    expect(engine.read(people, 'ann')).toBeUndefined();
  });

  it('refuses writes outside a batch and inside a query', () => {
    const engine = new Engine();
    let kept: Parameters<Parameters<Engine['batch']>[1]>[0] | undefined;
    engine.batch(cause, (write) => (kept = write));
    expect(() => kept?.put(people, aPerson('ann', 'rome'))).toThrow(InvariantError);
    const writing = aQuery('writing', () => put(engine, aPerson('ann', 'rome')));
    expect(() => engine.read(writing, 'x')).toThrow('changes no rows');
  });
});

describe('queries', () => {
  it('run again only when something they read changed', () => {
    const engine = engineWith(aPerson('ann', 'rome'), aPerson('bob', 'rome'));
    const age = aQuery('age', (read, key) => read(people, key)?.age);
    engine.watch(age, 'ann', ignore);
    engine.watch(age, 'bob', ignore);
    const commit = put(engine, aPerson('bob', 'rome', 31));
    expect(age.runs).toEqual(['ann', 'bob', 'bob']);
    expect(commit.reran).toEqual(new Map([['age', 1]]));
  });

  it('stop the wave where a result comes out equal', () => {
    const engine = engineWith(aPerson('ann', 'rome', 30));
    const isAdult = aQuery('isAdult', (read, key) => (read(people, key)?.age ?? 0) >= 18);
    const mayVote = aQuery('mayVote', (read, key) => read(isAdult, key));
    const heard: boolean[] = [];
    engine.watch(mayVote, 'ann', (value) => heard.push(value));
    put(engine, aPerson('ann', 'rome', 31));
    expect([isAdult.runs.length, mayVote.runs.length, heard]).toEqual([2, 1, []]);
    put(engine, aPerson('ann', 'rome', 7));
    expect([isAdult.runs.length, mayVote.runs.length, heard]).toEqual([3, 2, [false]]);
  });

  it('keep the old value, by identity, when a new one is equal', () => {
    const engine = engineWith(aPerson('ann', 'rome'));
    const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
    const cities = aQuery('cities', (read, key) => ({ city: read(people, key)?.city }), sameJson);
    const watch = engine.watch(cities, 'ann', ignore);
    const before = watch.value;
    put(engine, aPerson('ann', 'rome', 99));
    expect(watch.value).toBe(before);
  });

  it('do not run for a read that their reader no longer makes', () => {
    const engine = engineWith(aPerson('switch', 'on'), aPerson('ann', 'rome'));
    const detail = aQuery('detail', (read, key) => read(people, key)?.age);
    const choice = aQuery('choice', (read) => (read(people, 'switch')?.city === 'on' ? read(detail, 'ann') : 'off'));
    const guarded = aQuery('guarded', (read) => read(choice, 'x'));
    const watch = engine.watch(guarded, 'x', ignore);
    put(engine, aPerson('switch', 'off'), aPerson('ann', 'rome', 44));
    expect(watch.value).toBe('off');
    expect(detail.runs).toHaveLength(1);
    expect(engine.statistics().queries.get('detail')?.nodes).toBe(0);
  });

  it('are shared by their readers and run once per commit', () => {
    const engine = engineWith(aPerson('ann', 'rome'));
    const base = aQuery('base', (read) => read(people, 'ann')?.age ?? 0);
    const left = aQuery('left', (read) => read(base, 'x') + 1);
    const right = aQuery('right', (read) => read(base, 'x') + 2);
    const top = aQuery('top', (read) => [read(left, 'x'), read(right, 'x'), read(base, 'x')]);
    const watch = engine.watch(top, 'x', ignore);
    put(engine, aPerson('ann', 'rome', 50));
    expect(watch.value).toEqual([51, 52, 50]);
    expect([base, left, right, top].map((query) => query.runs.length)).toEqual([2, 2, 2, 2]);
  });

  it('record a read once, however often and however many they make', () => {
    const rows = Array.from({ length: 40 }, (_, index) => aPerson(`p${index}`, 'rome', index));
    const engine = engineWith(...rows);
    const sum = aQuery('sum', (read) => {
      const keys = read(peopleByCity, 'rome');
      return [...keys, ...keys].reduce((total, key) => total + (read(people, key)?.age ?? 0), 0);
    });
    const watch = engine.watch(sum, 'x', ignore);
    expect(engine.explain(sum, 'x').reads).toHaveLength(41);
    put(engine, aPerson('p7', 'rome', 1000));
    engine.batch(cause, (write) => write.remove(people, 'p8'));
    expect(watch.value).toBe(2 * ((39 * 40) / 2 - 7 - 8 + 1000));
  });

  it('see rows come that they read in vain', () => {
    const engine = new Engine();
    const watch = engine.watch(
      aQuery('city', (read, key) => read(people, key)?.city),
      'ann',
      ignore,
    );
    put(engine, aPerson('ann', 'rome'));
    expect(watch.value).toBe('rome');
  });
});

describe('watches', () => {
  it('hear after the whole commit, in order of creation, then the commit listeners', () => {
    const engine = engineWith(aPerson('ann', 'rome', 1));
    const double = aQuery('double', (read) => (read(people, 'ann')?.age ?? 0) * 2);
    const triple = aQuery('triple', (read) => (read(people, 'ann')?.age ?? 0) * 3);
    const heard: unknown[] = [];
    engine.onCommit((commit) => heard.push(['commit', commit.sequence]));
    engine.watch(triple, 'x', (value) => heard.push(['triple', value, engine.read(double, 'x')]));
    engine.watch(double, 'x', (value) => heard.push(['double', value]));
    engine.watch(triple, 'x', (value) => heard.push(['again', value]));
    put(engine, aPerson('ann', 'rome', 2));
    expect(heard).toEqual([
      ['triple', 6, 4],
      ['double', 4],
      ['again', 6],
      ['commit', 2],
    ]);
  });

  it('are not called once stopped, even by an earlier listener of the same commit', () => {
    const engine = engineWith(aPerson('ann', 'rome'));
    const age = aQuery('age', (read) => read(people, 'ann')?.age);
    const heard: string[] = [];
    engine.watch(age, 'x', () => {
      heard.push('first');
      second.stop();
      second.stop();
    });
    const second = engine.watch(age, 'x', () => heard.push('second'));
    put(engine, aPerson('ann', 'rome', 31));
    expect(heard).toEqual(['first']);
    expect(engine.statistics().watches).toBe(1);
  });

  it('may start batches, which are carried out after the listeners of the commit', () => {
    const engine = engineWith(aPerson('ann', 'rome', 1));
    const age = aQuery('age', (read) => read(people, 'ann')?.age);
    const heard: unknown[] = [];
    let inner: Commit | undefined;
    engine.watch(age, 'x', (value, commit) => {
      heard.push(['a', value, commit.sequence]);
      if (value === 2) inner = put(engine, aPerson('ann', 'rome', 3));
      heard.push(inner?.changedRows.length);
    });
    engine.watch(age, 'x', (value, commit) => heard.push(['b', value, commit.sequence]));
    put(engine, aPerson('ann', 'rome', 2));
    expect(heard).toEqual([['a', 2, 2], 0, ['b', 2, 2], ['a', 3, 3], 1, ['b', 3, 3]]);
    expect(inner).toMatchObject({ sequence: 3 });
  });

  it('release what nothing else needs', () => {
    const engine = engineWith(aPerson('ann', 'rome'), aPerson('bob', 'rome'));
    const age = aQuery('age', (read, key) => read(people, key)?.age ?? 0);
    const sum = aQuery('sum', (read) => read(age, 'ann') + read(age, 'bob') + read(age, 'ghost'));
    const watches = [engine.watch(sum, 'x', ignore), engine.watch(age, 'ann', ignore)];
    expect(engine.statistics().nodes).toBe(4);
    watches[0]?.stop();
    put(engine, aPerson('cid', 'rome'));
    expect(engine.statistics().nodes).toBe(1);
    watches[1]?.stop();
    put(engine, aPerson('dan', 'rome'));
    expect(engine.statistics()).toMatchObject({ nodes: 0, watches: 0 });
    expect(engine.statistics().rows.get('people')).toBe(4);
  });
});

describe('reads from outside', () => {
  it('compute once for many reads, until the next commit', () => {
    const engine = engineWith(aPerson('ann', 'rome'), aPerson('bob', 'rome'));
    const total = aQuery('total', (read) => read(peopleByCity, 'rome').length);
    const share = aQuery('share', (read, key) => (read(people, key)?.age ?? 0) / read(total, 'x'));
    expect([engine.read(share, 'ann'), engine.read(share, 'bob'), engine.read(share, 'ann')]).toEqual([15, 15, 15]);
    expect([total.runs.length, share.runs.length]).toEqual([1, 2]);
    put(engine, aPerson('cid', 'rome'));
    expect([total.runs.length, engine.statistics().nodes]).toEqual([1, 0]);
    expect(engine.read(share, 'ann')).toBe(10);
  });

  it('give the live value of what is watched', () => {
    const engine = engineWith(aPerson('ann', 'rome', 1));
    const age = aQuery('age', (read) => read(people, 'ann')?.age);
    engine.watch(age, 'x', ignore);
    put(engine, aPerson('ann', 'rome', 2));
    expect(engine.read(age, 'x')).toBe(2);
    expect(age.runs).toHaveLength(2);
  });
});

describe('failures', () => {
  const half: Query<string, number> = {
    name: 'half',
    compute: (read, key) => {
      const age = read(people, key)?.age ?? 0;
      if (age % 2 === 1) throw new Error(`${age} is odd`);
      return age / 2;
    },
  };
  const plusOne: Query<string, number> = { name: 'plusOne', compute: (read, key) => read(half, key) + 1 };

  function watched(age: number) {
    const failures: QueryFailure[] = [];
    const engine = new Engine({ onFailure: (failure) => failures.push(failure) });
    put(engine, aPerson('ann', 'rome', age));
    const heard: number[] = [];
    const watch = engine.watch(plusOne, 'ann', (value) => heard.push(value));
    return { engine, failures, heard, watch };
  }

  it('leave the last good value in force and are reported once', () => {
    const { engine, failures, heard, watch } = watched(4);
    put(engine, aPerson('ann', 'rome', 5));
    put(engine, aPerson('ann', 'oslo', 5));
    expect(failures).toMatchObject([{ kind: 'query', query: 'half', key: 'ann', error: { message: '5 is odd' } }]);
    expect([watch.value, heard]).toEqual([3, []]);
    put(engine, aPerson('ann', 'rome', 7));
    expect(failures.map((failure) => failure.error.message)).toEqual(['5 is odd', '7 is odd']);
    put(engine, aPerson('ann', 'rome', 8));
    expect([watch.value, heard]).toEqual([5, [5]]);
    put(engine, aPerson('ann', 'rome', 7));
    expect(failures).toHaveLength(3);
  });

  it('fail the readers of a query that never had a value, and end when it gets one', () => {
    const { engine, failures, heard, watch } = watched(5);
    expect(() => watch.value).toThrow(ReadFailure);
    expect(watch.failure?.message).toContain('5 is odd');
    expect(failures.map((failure) => failure.query)).toEqual(['half']);
    put(engine, aPerson('ann', 'rome', 6));
    expect([watch.value, watch.failure, heard]).toEqual([4, undefined, [4]]);
  });

  it('may be caught by the reader', () => {
    const { engine } = watched(5);
    const careful: Query<string, number> = {
      name: 'careful',
      compute: (read, key) => {
        try {
          return read(half, key);
        } catch {
          return -1;
        }
      },
    };
    const watch = engine.watch(careful, 'ann', ignore);
    expect(watch.value).toBe(-1);
    put(engine, aPerson('ann', 'rome', 6));
    expect(watch.value).toBe(3);
  });

  it('of a listener disturb no other listener and may be answered with a batch', () => {
    const failures: QueryFailure[] = [];
    const engine: Engine = new Engine({
      onFailure: (failure) => {
        failures.push(failure);
        put(engine, aPerson('report', failure.error.message));
      },
    });
    const age: Query<string, number | undefined> = { name: 'age', compute: (read, key) => read(people, key)?.age };
    const heard: unknown[] = [];
    engine.watch(age, 'ann', () => {
      throw new Error('listener');
    });
    engine.watch(age, 'ann', (value) => heard.push(value));
    put(engine, aPerson('ann', 'rome'));
    expect(heard).toEqual([30]);
    expect(failures).toMatchObject([{ kind: 'listener', query: 'age', key: 'ann' }]);
    expect(engine.read(people, 'report')?.city).toBe('listener');
  });

  it('are thrown by the batch when nobody listens for them', () => {
    const engine = engineWith(aPerson('ann', 'rome', 2));
    engine.watch(half, 'ann', ignore);
    expect(() => put(engine, aPerson('ann', 'rome', 3))).toThrow('3 is odd');
    expect(engine.read(people, 'ann')?.age).toBe(3);
    expect(() => put(engine, aPerson('ann', 'rome', 4))).not.toThrow();
  });
});

describe('circles', () => {
  /** Reads the query whose key is the row's city. */
  const follow: Query<string, string> = {
    name: 'follow',
    compute: (read, key) => {
      const next = read(people, key)?.city;
      return next === undefined ? key : `${key} > ${read(follow, next)}`;
    },
  };

  it('are reported with their chain and end when the rows no longer form one', () => {
    const failures: QueryFailure[] = [];
    const engine = new Engine({ onFailure: (failure) => failures.push(failure) });
    put(engine, aPerson('a', 'b'), aPerson('b', 'c'), aPerson('c', 'a'));
    const watches = ['a', 'b', 'c'].map((key) => engine.watch(follow, key, ignore));
    expect(failures).toHaveLength(1);
    expect(failures[0]?.error).toMatchObject({ chain: ['follow(a)', 'follow(b)', 'follow(c)', 'follow(a)'] });
    expect(() => watches[1]?.value).toThrow('follow(a) -> follow(b) -> follow(c) -> follow(a)');
    put(engine, aPerson('b', 'd'));
    expect(watches.map((watch) => watch.value)).toEqual(['a > b > d', 'b > d', 'c > a > b > d']);
    watches.forEach((watch) => watch.stop());
    put(engine, aPerson('x', 'y'));
    expect(engine.statistics().nodes).toBe(0);
  });

  it('that close during a commit are found, also through a read that is being verified', () => {
    const failures: QueryFailure[] = [];
    const engine = new Engine({ onFailure: (failure) => failures.push(failure) });
    put(engine, aPerson('a', 'b'), aPerson('b', 'c'));
    const watches = ['a', 'b', 'c'].map((key) => engine.watch(follow, key, ignore));
    put(engine, aPerson('c', 'a'));
    expect(failures.map((failure) => failure.error)).toEqual([expect.any(CycleError)]);
    expect(watches.map((watch) => watch.value)).toEqual(['a > b > c', 'b > c', 'c']);
    engine.batch(cause, (write) => write.remove(people, 'b'));
    expect(watches.map((watch) => watch.value)).toEqual(['a > b', 'b', 'c > a > b']);
    watches.forEach((watch) => watch.stop());
    put(engine, aPerson('x', 'y'));
    expect(engine.statistics().nodes).toBe(0);
  });

  it('that close on a query whose reads are being looked at fail the query that closes them', () => {
    const failures: QueryFailure[] = [];
    const engine = new Engine({ onFailure: (failure) => failures.push(failure) });
    put(engine, aPerson('a', 'b'), aPerson('c', 'a'));
    const watches = ['a', 'b', 'c'].map((key) => engine.watch(follow, key, ignore));
    put(engine, aPerson('b', 'c'));
    expect(failures).toMatchObject([
      { key: 'c', error: { chain: ['follow(a)', 'follow(b)', 'follow(c)', 'follow(a)'] } },
    ]);
    expect(watches.map((watch) => watch.failure?.name)).toEqual([undefined, undefined, 'CycleError']);
    put(engine, aPerson('a', 'x'));
    expect(watches.map((watch) => watch.value)).toEqual(['a > x', 'b > c > a > x', 'c > a > x']);
  });
});
