import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aServiceKey } from '../../test/support/mesh-rows.ts';
import { ManualTimedClock } from '../../test/support/timed-clocks.ts';
import type { AdminDoor } from '../admin/door.ts';
import { listenAdmin, type AdminServer, type AdminViews } from '../admin/server.ts';
import { adminTokenCheck } from '../app/admin-token.ts';
import { guardViews } from '../app/guard-views.ts';
import { RegistryLayers } from '../app/registry-layers.ts';
import { SharedRows } from '../discovery/shared-rows.ts';
import { Engine } from '../incremental/engine.ts';
import { endpointShardKey } from '../model/keys.ts';
import { endpointShards } from '../model/tables.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { run } from './run.ts';

/** From the command to the tables: what a registry does not name any more, and who lets go of it. */

const token = 'a secret of this test';

describe('weir guard', () => {
  let folder: string;
  let server: AdminServer;
  let metrics: ReturnType<typeof createMetrics>;
  let say: (numbers: readonly number[]) => void;
  let inForce: () => number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-guard-'));
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, `${token}\n`);
    const engine = new Engine();
    metrics = createMetrics({ version: '1', uptime: () => 0, processMetrics: false });
    const layers = new RegistryLayers({
      settings: {
        removalBudget: { most: { kind: 'share', share: 0.25 }, window: 300_000 },
        removalBudgetConfirmation: 60_000,
        removalBudgetMode: 'hold',
        stateDir: undefined,
      },
      shared: new SharedRows(engine),
      clock: new ManualTimedClock(),
      log: silentLog,
      metrics,
    });
    const writer = layers.writerOf({ name: 'nacos', kind: 'nacos', rank: 1 });
    const service = aServiceKey('web');
    const key = endpointShardKey(service, 'nacos', 'http-80');
    const declaredBy = { kind: 'nacos.io/Service', namespace: 'public', name: 'web', origin: { source: 'nacos' } };
    say = (numbers) =>
      writer.batch({ source: 'nacos', at: 0 }, (write) => {
        const endpoints = numbers.map((number) => ({ address: `10.0.0.${number}`, health: 'healthy' }) as const);
        write.put(endpointShards, { key, service, ports: { http: 80 }, endpoints, declaredBy });
      });
    inForce = () => engine.read(endpointShards, key)?.endpoints.length ?? 0;
    const door: AdminDoor = {
      isOperator: () => Promise.resolve(true),
      askerOf: () => Promise.resolve({ kind: 'operator' }),
      asked: () => undefined,
      now: () => 0,
    };
    const views: Pick<AdminViews, 'guard'> = { guard: guardViews(layers, adminTokenCheck(tokenFile, silentLog)) };
    server = await listenAdmin({ host: '127.0.0.1', port: 0 }, views as AdminViews, door, () => undefined);
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function weir(...parameters: readonly string[]) {
    let [out, err] = ['', ''];
    const exitCode = await run({
      arguments: ['guard', ...parameters, '--admin', `127.0.0.1:${server.port}`],
      environment: {},
      out: { write: (text) => (out += text), isTerminal: false, colours: false },
      err: { write: (text) => (err += text), isTerminal: false, colours: false },
      now: () => 0,
      untilStopped: () => AbortSignal.abort(),
      onCrash: () => undefined,
    });
    return { exitCode, out, err };
  }

  const withToken = () => ['--token-file', join(folder, 'token')];

  it('reliability/O45 reliability/SC6: lists what is held, and lets go of it for who has the token', async () => {
    expect((await weir('list')).out).toBe('nothing is held\n');
    say([1, 2, 3, 4]);
    say([]);
    expect((await weir('list')).out).toMatch(
      /nacos +shop\/web\S+ +4 +0 .+10\.0\.0\.1:80, 10\.0\.0\.2:80, 10\.0\.0\.3:80, and 1 more/,
    );
    const released = await weir('release', aServiceKey('web'), '--reason', 'moved', ...withToken());
    expect(released).toEqual({ exitCode: 0, out: '4 endpoints released\n', err: '' });
    expect(inForce()).toBe(0);
    expect((await weir('list')).out).toBe('nothing is held\n');
  });

  it('lets go of everything of a source', async () => {
    say([1, 2]);
    say([]);
    const other = await weir('release', '--all', '--source', 'other', '--reason', 'x', ...withToken());
    expect(other.out).toBe('0 endpoints released\n');
    const all = await weir('release', '--all', '--source', 'nacos', '--reason', 'x', ...withToken());
    expect(all.out).toBe('2 endpoints released\n');
  });

  it('changes nothing for who has no token or a wrong one', async () => {
    say([1, 2]);
    say([]);
    await writeFile(join(folder, 'wrong'), 'guessed');
    for (const flags of [[], ['--token-file', join(folder, 'wrong')]]) {
      const { exitCode, err } = await weir('release', '--all', '--reason', 'x', ...flags);
      expect(exitCode).toBe(1);
      expect(err).toContain('refuses: --token-file or WEIR_ADMIN_TOKEN_FILE names the file');
    }
    const url = `http://127.0.0.1:${server.port}/guard/release`;
    const get = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect(inForce()).toBe(2);
  });

  it.each([
    ['no JSON', 'all of it', 'the body must be JSON'],
    ['an unknown field', '{"servce": "a/b"}', 'there is no field "servce"'],
    ['no service', '{"who": "ann", "reason": "x"}', 'name a service, or write "all": true'],
    ['no reason', '{"who": "ann", "all": true}', 'who and reason are needed'],
    ['a number', '{"who": 7, "reason": "x", "all": true}', 'who must be text'],
  ])('refuses %s with what is wrong', async (_, body, message) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${server.port}/guard/release`, { method: 'POST', headers, body });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(message)]);
  });

  it('needs one service or all', async () => {
    expect(await weir('release', '--reason', 'x')).toMatchObject({ exitCode: 2, out: '' });
    expect(await weir('release', 'a/b', '--all', '--reason', 'x')).toMatchObject({ exitCode: 2, out: '' });
  });

  it('reliability/O5: is counted, held and let go, in the metrics', async () => {
    say([1, 2, 3, 4]);
    say([]);
    say([1]);
    const text = await metrics.expose();
    expect(text).toContain('weir_removals_held{source="nacos"} 3');
    expect(text).toContain('weir_services_with_removals_held{source="nacos"} 1');
    expect(text).toContain('weir_removals_held_total{source="nacos"} 4');
    expect(text).toContain('weir_removal_holds_ended_total{source="nacos",by="return"} 1');
  });
});
