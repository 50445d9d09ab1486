import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aService, aServiceKey } from '../../../test/support/mesh-rows.ts';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import { Engine } from '../../incremental/engine.ts';
import type { EndpointShard, Health } from '../../model/endpoint.ts';
import { endpointShardKey, type ServiceKey } from '../../model/keys.ts';
import type { Freshness } from '../../model/source.ts';
import { endpointShards, services, sourceProblems, sources } from '../../model/tables.ts';
import type { Log, LogFields } from '../../observe/log.ts';
import type { BudgetRules } from './budget.ts';
import { RemovalBudget } from './removal-budget.ts';

const minute = 60_000;
const quarter: BudgetRules = { most: { kind: 'share', share: 0.25 }, window: 5 * minute, confirmation: minute };

interface Audited extends LogFields {
  readonly message: string;
}

function aGuardedMesh(rules = quarter, mode: 'hold' | 'warn' = 'hold') {
  const engine = new Engine();
  const clock = new VirtualTime();
  const audit: Audited[] = [];
  const hear = (message: string, fields?: LogFields): void => void audit.push({ message, ...fields });
  const log: Log = { debug: hear, info: hear, warn: hear, error: hear, with: () => log };
  const guard = new RemovalBudget({ source: 'nacos', rules, mode, engine, clock, log });
  const batch: Engine['batch'] = (cause, change) => guard.writer.batch(cause, change);
  const cause = () => ({ source: 'nacos', at: clock.monotonic() });

  return {
    ...{ engine, clock, audit, guard },
    /** What the source says of a service: addresses ending in these numbers, all healthy unless told. */
    say(service: string, numbers: readonly number[], health: Health = 'healthy') {
      const endpoints = numbers.map((number) => ({ address: `10.0.0.${number}`, health }));
      batch(cause(), (write) => {
        aService(service).put(write);
        write.put(endpointShards, aShardOf(aServiceKey(service), endpoints));
      });
    },
    forget(service: string) {
      const key = aServiceKey(service);
      batch(cause(), (write) => {
        write.remove(endpointShards, endpointShardKey(key, 'nacos', 'http-80'));
        write.remove(services, key);
      });
    },
    become(freshness: Freshness) {
      batch(cause(), (write) =>
        write.put(sources, { name: 'nacos', kind: 'nacos', target: '', freshness, since: 0, objects: 0 }),
      );
    },
    /** What is in force, as `number` or `number degraded`. */
    inForce(service: string): readonly string[] {
      const shard = engine.read(endpointShards, endpointShardKey(aServiceKey(service), 'nacos', 'http-80'));
      return (shard?.endpoints ?? []).map(({ address, health }) =>
        [address.slice('10.0.0.'.length), ...(health === 'healthy' ? [] : [health])].join(' '),
      );
    },
  };
}

function aShardOf(service: ServiceKey, endpoints: EndpointShard['endpoints']): EndpointShard {
  const declaredBy = { kind: 'nacos.io/Service', namespace: 'public', name: service, origin: { source: 'nacos' } };
  return { key: endpointShardKey(service, 'nacos', 'http-80'), service, ports: { http: 80 }, endpoints, declaredBy };
}

const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('a source within a removal budget', () => {
  it('reliability/SC7: one per half hour means that of ten exactly one leaves, nine stay degraded, and the audit trail says so', async () => {
    const rules: BudgetRules = { most: { kind: 'count', count: 1 }, window: 30 * minute, confirmation: minute };
    const { say, inForce, clock, audit } = aGuardedMesh(rules);
    say('web', ten);
    say('web', []);
    expect(inForce('web')).toEqual(ten.map((number) => `${number} degraded`));
    await clock.advance(30 * minute);
    expect(inForce('web')).toEqual(ten.slice(1).map((number) => `${number} degraded`));
    await clock.advance(minute);
    expect(inForce('web')).toHaveLength(8);
    expect(audit.map(({ message, endpoints, by }) => [message, endpoints, by])).toEqual([
      ['removals are on hold', 10, undefined],
      ['a hold has ended', 1, 'time'],
      ['a hold has ended', 1, 'time'],
    ]);
  });

  it('reliability/SC6 reliability/R25: when a registry forgets 500 services none is emptied, and what is back within a minute was never away', async () => {
    const { say, inForce, engine, clock, guard, become } = aGuardedMesh();
    const names = Array.from({ length: 500 }, (_, index) => `s${index}`);
    for (const name of names) say(name, [1, 2, 3]);
    const removed: string[] = [];
    engine.onCommit(({ changedRows }) => {
      removed.push(...changedRows.filter(({ kind }) => kind === 'removed').map(({ key }) => key));
    });
    become('stale');
    become('synced');
    for (const name of names) say(name, []);
    expect(guard.holds()).toHaveLength(500);
    for (const name of names) expect(inForce(name)).toEqual(['1 degraded', '2 degraded', '3 degraded']);
    await clock.advance(minute - 1);
    // Whoever registers again comes one by one.
    for (const numbers of [[2], [2, 3], [1, 2, 3]]) {
      for (const name of names) say(name, numbers);
      for (const name of names) expect(inForce(name)).toHaveLength(3);
    }
    for (const name of names) expect(inForce(name)).toEqual(['1', '2', '3']);
    expect(removed.filter((key) => !key.includes('on hold'))).toEqual([]);
    expect(guard.holds()).toEqual([]);
    expect(guard.counters.ended).toEqual({ time: 0, return: 1500, operator: 0 });
  });

  it('reliability/R51: what is said to be leaving leaves at once, and so does what is replaced', () => {
    const { say, inForce, guard } = aGuardedMesh();
    say('web', ten);
    say('web', ten, 'draining');
    say('web', []);
    expect(inForce('web')).toEqual([]);
    say('shop', [1, 2]);
    say('shop', [3, 4]);
    expect(inForce('shop')).toEqual(['3', '4']);
    expect(guard.holds()).toEqual([]);
  });

  it('reliability/R25: endpoints that all turn unhealthy at once are degraded, not taken away', () => {
    const { say, inForce } = aGuardedMesh();
    say('web', ten);
    say('web', ten, 'unhealthy');
    expect(inForce('web')).toEqual(ten.map((number) => `${number} degraded`));
    say('web', ten);
    expect(inForce('web')).toEqual(ten.map(String));
  });

  it('reliability/SC6: an operator lets go of what is held at once, with a reason that is kept', () => {
    const { say, inForce, guard, audit } = aGuardedMesh();
    say('web', ten);
    say('shop', ten);
    say('web', []);
    say('shop', []);
    const service = aServiceKey('web');
    expect(guard.release({ service, who: 'ann', reason: 'moved' })).toBe(10);
    expect(inForce('web')).toEqual([]);
    expect(inForce('shop')).toHaveLength(10);
    expect(audit.at(-1)).toMatchObject({ audit: 'removal-budget', by: 'operator', who: 'ann', reason: 'moved' });
    expect(guard.release({ service: undefined, who: 'ann', reason: 'all of it' })).toBe(10);
    expect(inForce('shop')).toEqual([]);
  });

  it('keeps a service that its source has forgotten until the last endpoint has left', async () => {
    const { say, forget, engine, inForce, clock } = aGuardedMesh();
    const key = aServiceKey('web');
    say('web', [1]);
    forget('web');
    expect(engine.read(services, key)).toBeDefined();
    expect(inForce('web')).toEqual(['1 degraded']);
    await clock.advance(minute);
    expect(engine.read(services, key)).toBeUndefined();
    expect(inForce('web')).toEqual([]);
  });

  it('reliability/R60: while the source is away nothing leaves by time', async () => {
    const { say, become, inForce, clock, guard } = aGuardedMesh();
    say('web', ten);
    become('synced');
    say('web', []);
    become('stale');
    await clock.advance(24 * 60 * minute);
    expect(inForce('web')).toHaveLength(10);
    expect(guard.holds()).toMatchObject([{ named: 0, nextRelease: undefined }]);
    become('synced');
    await clock.advance(minute - 1);
    expect(inForce('web')).toHaveLength(10);
    await clock.advance(1);
    expect(inForce('web')).toHaveLength(8);
  });

  it('reliability/R25: a source that loses a little of every service is in doubt when a twentieth of what it names has left, for a minute', async () => {
    const { say, inForce, clock } = aGuardedMesh();
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    for (const name of names) say(name, ten);
    await clock.advance(2 * minute);
    for (const name of names) say(name, ten.slice(1));
    const held = names.filter((name) => inForce(name).includes('0 degraded'));
    expect(held).toEqual(names.slice(19));
    await clock.advance(2 * minute);
    say('s0', ten.slice(2));
    expect(inForce('s0')).toEqual(ten.slice(2).map(String));
  });

  it('reliability/O45: shows on the source what is on hold, while it is', () => {
    const { say, engine } = aGuardedMesh();
    say('web', ten);
    say('web', []);
    const [problem] = [...engine.rows(sourceProblems)];
    expect(problem).toMatchObject({ source: 'nacos', code: 'WEIR2013', keptLastGood: true });
    expect(problem?.message).toContain('10 endpoints of shop/web');
    say('web', ten);
    expect([...engine.rows(sourceProblems)]).toEqual([]);
  });

  it('reliability/R51: where people are only to be warned, everything leaves and they are', () => {
    const { say, inForce, audit } = aGuardedMesh(quarter, 'warn');
    say('web', ten);
    say('web', []);
    expect(inForce('web')).toEqual([]);
    expect(audit).toMatchObject([{ message: 'more endpoints left than the removal budget covers', endpoints: 10 }]);
  });

  it('reliability/R51: whatever a source says, all that it names is in force, no service is emptied at once, and in the end only what it names', async () => {
    const numbers = fc.uniqueArray(fc.nat(12), { maxLength: 12 });
    const step = fc.record({
      service: fc.constantFrom('a', 'b', 'c'),
      numbers,
      wait: fc.constantFrom(0, 1000, minute),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { say, inForce, clock } = aGuardedMesh();
        const said = new Map<string, readonly number[]>();
        for (const { service, numbers: now, wait } of steps) {
          const before = inForce(service).length;
          say(service, now);
          said.set(service, now);
          const rows = inForce(service);
          const healthy = rows.filter((row) => !row.endsWith('degraded'));
          expect(healthy.map(Number).toSorted((a, b) => a - b)).toEqual(now.toSorted((a, b) => a - b));
          if (before > 0) expect(rows.length).toBeGreaterThan(0);
          await clock.advance(wait);
        }
        await clock.advance(24 * 60 * minute);
        for (const [service, now] of said) expect(inForce(service)).toHaveLength(now.length);
      }),
      { numRuns: 60 },
    );
  });
});
