import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Delivery } from './delivery.ts';
import type { Change, Reflected } from './reflected.ts';
import { Store } from './store.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function anObject(key: string, resourceVersion = '1', uid = `uid of ${key}`): Reflected {
  return { key, uid, resourceVersion };
}

function setOf(...objects: Reflected[]): Map<string, Reflected> {
  return new Map(objects.map((object) => [object.key, object]));
}

/** @param costMs of one change, in a time that only handling takes */
function aStore(costMs = 0) {
  let now = 0;
  const calls: { readonly changes: readonly Change<Reflected>[]; readonly at: number }[] = [];
  const delivery = new Delivery<Reflected>({
    current: (key) => store.get(key),
    changed: (changes, at) => {
      now += costMs * changes.length;
      calls.push({ changes, at });
    },
    monotonic: () => now,
  });
  const store: Store<Reflected> = new Store((key, before) => delivery.mark(key, before));
  stops.push(() => delivery.stop());
  const heard = (): string[] =>
    calls
      .splice(0)
      .flatMap(({ changes }) => changes)
      .map(({ kind, object }) => `${kind} ${object.key} ${object.resourceVersion} ${object.uid}`);
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { store, delivery, calls, heard, pass };
}

describe('what the handler hears', () => {
  it('is the last of several changes of one object, dated by the first (kubernetes/K19)', async () => {
    const { store, calls, pass } = aStore();
    pass(10);
    store.put(anObject('a', '1'));
    pass(10);
    store.put(anObject('a', '2'));
    store.put(anObject('b', '3'));
    expect(calls).toEqual([]);
    await setImmediate();
    expect(calls).toEqual([
      {
        at: 10,
        changes: [
          { kind: 'put', object: anObject('a', '2') },
          { kind: 'put', object: anObject('b', '3') },
        ],
      },
    ]);
  });

  it('is every removal of what it knows, and none of what it does not (kubernetes/K19)', async () => {
    const { store, heard } = aStore();
    store.put(anObject('a', '1'));
    await setImmediate();
    heard();
    store.put(anObject('a', '2'));
    store.remove('a');
    store.put(anObject('flash', '3'));
    store.remove('flash');
    store.remove('unknown');
    await setImmediate();
    expect(heard()).toEqual(['remove a 1 uid of a']);
  });

  it('is a removal and a new object when another took the name (kubernetes/K61)', async () => {
    const { store, heard } = aStore();
    store.put(anObject('a', '1', 'old'));
    await setImmediate();
    heard();
    store.remove('a');
    store.put(anObject('a', '2', 'new'));
    await setImmediate();
    expect(heard()).toEqual(['remove a 1 old', 'put a 2 new']);
    store.put(anObject('a', '3', 'newer'));
    store.put(anObject('a', '4', 'newest'));
    await setImmediate();
    expect(heard()).toEqual(['remove a 2 new', 'put a 4 newest']);
  });

  it('is exactly what differs when a whole set is replaced (kubernetes/K18, kubernetes/K63)', async () => {
    const { store, heard } = aStore();
    const same = anObject('same');
    store.replace(setOf(same, anObject('gone'), anObject('changed'), anObject('remade', '1', 'old')));
    await setImmediate();
    heard();
    const next = setOf(anObject('same'), anObject('changed', '2'), anObject('remade', '2', 'new'), anObject('new'));
    expect(store.replace(next)).toBe(4);
    await setImmediate();
    expect(heard().toSorted()).toEqual([
      'put changed 2 uid of changed',
      'put new 1 uid of new',
      'put remade 2 new',
      'remove gone 1 uid of gone',
      'remove remade 1 old',
    ]);
    // One of two equal objects is enough to keep.
    expect(store.get('same')).toBe(same);
  });

  it('of a large set comes in slices, between which other things happen (kubernetes/K19)', async () => {
    const { store, delivery, calls } = aStore(0.04);
    const events: string[] = [];
    delivery.afterwards(() => events.push('empty'));
    await setImmediate();
    expect(events.splice(0)).toEqual(['empty']);

    const objects = Array.from({ length: 1000 }, (_, index) => anObject(`object-${index}`));
    store.replace(setOf(...objects));
    delivery.afterwards(() => events.push('all'));
    store.put(anObject('late'));
    for (let turn = 0; delivery.size > 0; turn++) {
      await setImmediate();
      events.push(`turn ${turn}: ${calls.splice(0).reduce((sum, { changes }) => sum + changes.length, 0)}`);
    }
    expect(events).toEqual([
      ...['turn 0: 200', 'turn 1: 200', 'turn 2: 200', 'turn 3: 200'],
      ...['all', 'turn 4: 200', 'turn 5: 1'],
    ]);
  });

  it('ends at once (kubernetes/K43)', async () => {
    const { store, delivery, calls } = aStore();
    store.put(anObject('a'));
    delivery.afterwards(() => {
      throw new Error('too late');
    });
    delivery.stop();
    store.put(anObject('b'));
    await setImmediate();
    expect(calls).toEqual([]);
  });
});
