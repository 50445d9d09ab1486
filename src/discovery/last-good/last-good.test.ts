import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aServiceKey } from '../../../test/support/mesh-rows.ts';
import { ManualTimedClock } from '../../../test/support/timed-clocks.ts';
import { Engine } from '../../incremental/engine.ts';
import type { EndpointShard } from '../../model/endpoint.ts';
import { endpointShardKey } from '../../model/keys.ts';
import type { Service } from '../../model/service.ts';
import type { Freshness, Source } from '../../model/source.ts';
import { endpointShards, services, sources } from '../../model/tables.ts';
import type { Log, LogFields } from '../../observe/log.ts';
import { RemovalBudget } from '../removal-budget/removal-budget.ts';
import { readLastGood, UnusableState, writeLastGood } from './last-good-file.ts';
import { LastGood } from './last-good.ts';

const megabyte = 1024 * 1024;
const origin = { source: 'nacos' };

function aSource(freshness: Freshness, reason?: string): Source {
  const named = { name: 'nacos', kind: 'nacos', target: '10.9.0.1:8848', since: 0, objects: 0 } as const;
  return { ...named, freshness, ...(reason === undefined ? {} : { reason }) };
}

function aNacosService(name: string): Service {
  const declaredBy = { kind: 'nacos.io/Service', namespace: 'public', name, origin };
  return {
    ...{
      key: aServiceKey(name),
      hostname: `${name}.shop`,
      namespace: 'shop',
      name,
      registry: 'service-entry',
      ports: [],
    },
    ...{ addresses: [], headless: false, resolution: 'endpoints', meshExternal: false, exportTo: undefined },
    ...{ labels: {}, selector: undefined, publishNotReady: false, createdAt: 0, declaredBy },
  };
}

function aShardOf(name: string, numbers: readonly number[]): EndpointShard {
  const { key: service, declaredBy } = aNacosService(name);
  const endpoints = numbers.map((number) => ({ address: `10.0.0.${number}`, health: 'healthy' }) as const);
  return { key: endpointShardKey(service, 'nacos', 'http-80'), service, ports: { http: 80 }, endpoints, declaredBy };
}

describe('the last good state of a source', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-last-good-'));
    path = join(folder, 'nacos');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A Weir that starts, with a removal budget as it has one. */
  async function start() {
    const engine = new Engine();
    const clock = new ManualTimedClock();
    const warnings: LogFields[] = [];
    const quiet = (): void => undefined;
    const warn: Log['warn'] = (_, fields) => void warnings.push(fields ?? {});
    const log: Log = { debug: quiet, info: quiet, warn, error: quiet, with: () => log };
    const lastGood = new LastGood({ source: { name: 'nacos', kind: 'nacos' }, path, clock, log });
    const rules = { most: { kind: 'share', share: 0.25 }, window: 300_000, confirmation: 60_000 } as const;
    const recorded = lastGood.recorded(engine);
    const budget = new RemovalBudget({ source: 'nacos', rules, mode: 'hold', engine: recorded, clock, log });
    const writer = lastGood.restored(budget.writer);
    await lastGood.restore(budget.writer);
    const stopping = new AbortController();
    const running = lastGood.run(stopping.signal);
    return {
      ...{ engine, clock, warnings },
      say: (freshness: Freshness, said: Readonly<Record<string, readonly number[]>> = {}, reason?: string) =>
        writer.batch({ source: 'nacos', at: clock.monotonic() }, (write) => {
          for (const [name, numbers] of Object.entries(said)) {
            write.put(services, aNacosService(name));
            write.put(endpointShards, aShardOf(name, numbers));
          }
          write.put(sources, aSource(freshness, reason));
        }),
      source: () => engine.read(sources, 'nacos'),
      inForce: (name: string) =>
        (engine.read(endpointShards, aShardOf(name, []).key)?.endpoints ?? []).map(
          ({ address, health }) => `${address.slice('10.0.0.'.length)} ${health}`,
        ),
      async stop() {
        stopping.abort();
        await running;
      },
    };
  }

  it('reliability/R50 reliability/SC16: is served by a Weir whose registry is dark within ten seconds, marked stale, and not before it was waited for', async () => {
    const before = await start();
    before.say('synced', { web: [1, 2], stock: [3] });
    await before.stop();

    const { clock, source, inForce, say, stop } = await start();
    say('unknown', {}, 'connection refused');
    expect(source()?.freshness).toBe('unknown');
    clock.advance(5_000);
    expect(source()).toMatchObject({ freshness: 'stale' });
    expect(source()?.reason).toMatch(/^connection refused; what it said until \d{4}-.* is served$/);
    expect([inForce('web'), inForce('stock')]).toEqual([['1 healthy', '2 healthy'], ['3 healthy']]);
    say('unknown', {}, 'still refused');
    expect(source()?.freshness).toBe('stale');
    await stop();
  });

  it('reliability/R12 reliability/R60: what the registry does not name when it is back is held like any removal, what it names counts', async () => {
    const before = await start();
    before.say('synced', { web: [1, 2, 3, 4], stock: [5] });
    await before.stop();

    const { clock, source, inForce, say, stop, engine } = await start();
    clock.advance(5_000);
    say('synced', { web: [1, 2, 3, 4, 6] });
    expect(source()?.freshness).toBe('synced');
    expect(inForce('web')).toEqual(['1 healthy', '2 healthy', '3 healthy', '4 healthy', '6 healthy']);
    expect(inForce('stock')).toEqual(['5 degraded']);
    expect(engine.read(services, aServiceKey('stock'))).toBeDefined();
    await stop();
  });

  it('of a source that is synced in time is never called stale', async () => {
    const before = await start();
    before.say('synced', { web: [1] });
    await before.stop();
    const { clock, source, say, stop } = await start();
    say('synced', { web: [1] });
    clock.advance(60_000);
    expect(source()?.freshness).toBe('synced');
    await stop();
  });

  it('reliability/R50: a source that has not said all that it knows does not replace what it said before', async () => {
    const before = await start();
    before.say('synced', { web: [1] });
    await before.stop();
    const written = await readFile(path);
    const second = await start();
    second.say('unknown', { shop: [9] });
    await second.stop();
    expect(await readFile(path)).toEqual(written);
  });

  it.each([
    ['damaged', (file: Buffer) => Buffer.concat([file.subarray(0, -3), Buffer.from('x"}\n')]), /damaged|bytes of rows/],
    ['cut short', (file: Buffer) => file.subarray(0, -10), /bytes of rows in place of/],
    ['something else', () => Buffer.from('{}'), /is no file of Weir/],
    ['empty', () => Buffer.alloc(0), /is no file of Weir/],
    [
      'of another source',
      (file: Buffer) => Buffer.from(file.toString().replace('"name":"nacos"', '"name":"other"')),
      /of the source "other"/,
    ],
  ])(
    'reliability/R50: a file that is %s is refused with the reason, and Weir starts without',
    async (_, change, reason) => {
      const before = await start();
      before.say('synced', { web: [1] });
      await before.stop();
      await writeFile(path, change(await readFile(path)));
      const { engine, warnings, clock, stop } = await start();
      clock.advance(60_000);
      expect([...engine.rows(services)]).toEqual([]);
      const [warning] = warnings;
      expect(warning?.['error']).toBeInstanceOf(UnusableState);
      expect(String(warning?.['error'])).toMatch(reason);
      await stop();
    },
  );

  it('reliability/R50: stays as it was when it would become too large, and leaves nothing beside it', async () => {
    const [row, shard] = [aNacosService('web'), aShardOf('web', [1])];
    const state = { source: aSource('synced'), writtenAt: 7, services: [row], shards: [shard] };
    expect(await writeLastGood(path, state, megabyte)).toBeGreaterThan(1024);
    const many = Array.from({ length: 1000 }, (_, index) => aShardOf(`s${index}`, [index]));
    expect(await writeLastGood(path, { ...state, shards: many }, 10_000)).toBeUndefined();
    const { name, kind, target } = state.source;
    expect(await readLastGood(path, 'nacos', megabyte)).toEqual({ ...state, source: { name, kind, target } });
    await expect(readLastGood(path, 'nacos', 10)).rejects.toThrow('is larger than');
    expect(await readdir(folder)).toEqual(['nacos']);
  });
});
