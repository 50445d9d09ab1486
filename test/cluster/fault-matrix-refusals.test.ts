import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDefinition } from '../support/fake-api-server/definitions.ts';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** Answers that say no, for now or until somebody does something about it. */

describe.each(transports)('a reflector that is refused, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  afterEach(() => rig.finish());

  function gaps(requests: readonly { readonly at: number }[]): readonly number[] {
    return requests.slice(1).map(({ at }, index) => at - (requests[index]?.at ?? 0));
  }

  it('leaves a busy server alone for as long as it asks, and goes on from where it was (kubernetes/K51)', async () => {
    rig = await ReflectorRig.following({ tls });
    const { resourceVersion } = rig.server;
    rig.server.faults.times(2, { verb: 'watch' }, { kind: 'status', code: 429, retryAfterSeconds: 45 });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    await rig.time.pass(4 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.fullReads()).toEqual([]);
    expect(rig.resumed().map(({ query }) => query['resourceVersion'])).toEqual(Array(3).fill(resourceVersion));
    for (const gap of gaps(rig.resumed())) {
      expect(gap).toBeGreaterThanOrEqual(45_000);
      expect(gap).toBeLessThan(90_000);
    }
  });

  it('asks a busy server that says no time ever more slowly (kubernetes/K51)', async () => {
    rig = await ReflectorRig.following({ tls });
    const { resourceVersion } = rig.server;
    rig.server.faults.times(5, { verb: 'watch' }, { kind: 'status', code: 429 });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    await rig.time.pass(3 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.fullReads()).toEqual([]);
    expect(rig.resumed().map(({ query }) => query['resourceVersion'])).toEqual(Array(6).fill(resourceVersion));
    const [first = 0, ...others] = gaps(rig.resumed());
    expect(first).toBeGreaterThanOrEqual(800);
    expect(others.at(-1)).toBeGreaterThanOrEqual(8 * first);
  });

  it.each([undefined, 20])(
    'lists again when a busy server has time, asked to wait %s s (kubernetes/K51)',
    async (retryAfterSeconds) => {
      rig = await ReflectorRig.start({ tls });
      rig.put('a');
      rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
      const busy = {
        kind: 'status',
        code: 429,
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      } as const;
      rig.server.faults.times(3, { verb: 'list' }, busy);
      await rig.follow();
      await rig.time.pass(3 * 60_000);
      expect(rig.followed).toEqual(rig.served);
      expect(rig.heard).toEqual(['put default/a', 'synced']);
      const lists = rig.requests({ verb: 'list' });
      expect(lists).toHaveLength(4);
      for (const gap of gaps(lists)) expect(gap).toBeGreaterThanOrEqual((retryAfterSeconds ?? 0.8) * 1_000);
    },
  );

  it('comes with the new token when the old one is not taken, and reads nothing anew (kubernetes/K52)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-token-'));
    const path = join(folder, 'token');
    await writeFile(path, 'token-of-the-administrator\n');
    rig = await ReflectorRig.start({ tls, credentials: { kind: 'token-file', path } });
    rig.put('a');
    rig.run();
    await until(() => rig.heard.includes('synced'));
    rig.forget();
    const { resourceVersion } = rig.server;
    await writeFile(path, 'token-of-somebody-else\n');
    rig.server.token = 'token-of-somebody-else';
    await rig.time.pass(10_000);
    rig.server.endWatches('pods');
    await rig.time.pass(5_000);
    await until(() => rig.server.openWatches('pods') === 1);
    rig.put('a', '2');
    await until(() => rig.heard.includes('put default/a'));
    expect(rig.followed).toEqual(rig.served);
    expect(rig.fullReads()).toEqual([]);
    expect(rig.resumed().map(({ query }) => query['resourceVersion'])).toEqual([resourceVersion, resourceVersion]);
    await rm(folder, { recursive: true });
  });

  it('waits until it is allowed to read, and says so (kubernetes/K53)', async () => {
    rig = await ReflectorRig.start({ tls });
    rig.put('a');
    const end = rig.server.faults.always({}, { kind: 'status', code: 403 });
    await rig.follow();
    const minutes = 30;
    await rig.time.pass(minutes * 60_000);
    expect(rig.health).toContain('forbidden');
    expect(rig.health).not.toContain('following');
    expect(rig.heard).toEqual([]);
    expect(rig.requests().length).toBeLessThanOrEqual(3 * minutes);
    end();
    await rig.time.pass(3 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a', 'synced']);
    expect(rig.health.at(-1)).toBe('following');
  });

  it('keeps what it has when it may not read any more (kubernetes/K53)', async () => {
    rig = await ReflectorRig.following({ tls });
    const end = rig.server.faults.always({}, { kind: 'status', code: 403 });
    rig.server.endWatches('pods');
    rig.remove('b');
    await rig.time.pass(10 * 60_000);
    expect(rig.heard).toEqual([]);
    expect(rig.health).toContain('forbidden');
    end();
    await rig.time.pass(3 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['remove default/b']);
    expect(rig.health.at(-1)).toBe('following');
  });
});

describe.each(transports)('a reflector of a kind that does not exist yet, over $name', ({ tls }) => {
  const resource = { group: 'weir.dev', version: 'v1', plural: 'widgets', kind: 'Widget' };
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.start({ tls, resource });
    await rig.follow();
  });
  afterEach(() => rig.finish());

  it('asks now and then, and follows the kind when it is there (kubernetes/K54)', async () => {
    const minutes = 30;
    await rig.time.pass(minutes * 60_000);
    expect(rig.health).toEqual(['absent']);
    expect(rig.heard).toEqual([]);
    expect(rig.requests().length).toBeLessThanOrEqual(3 * minutes);
    rig.server.objects.put('customresourcedefinitions.apiextensions.k8s.io', aDefinition(resource));
    await rig.rest();
    rig.put('a');
    await rig.time.pass(3 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a', 'synced']);
    expect(rig.health).toEqual(['absent', 'following']);
  });

  it('hears that all are gone when the kind goes, and begins anew when it comes back (kubernetes/K54)', async () => {
    const definition = aDefinition(resource);
    rig.server.objects.put('customresourcedefinitions.apiextensions.k8s.io', definition);
    await rig.rest();
    rig.put('a');
    await rig.time.pass(3 * 60_000);
    expect(rig.heard).toEqual(['put default/a', 'synced']);
    rig.server.objects.remove('customresourcedefinitions.apiextensions.k8s.io', definition.metadata.name);
    await rig.time.pass(3 * 60_000);
    expect(rig.heard.slice(2)).toEqual(['remove default/a']);
    expect(rig.health.at(-1)).toBe('absent');
    rig.server.objects.put('customresourcedefinitions.apiextensions.k8s.io', definition);
    await rig.rest();
    rig.put('b');
    await rig.time.pass(3 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.health.at(-1)).toBe('following');
  });
});

/** Files are read by other threads: there is no turn of the event loop by which they are there. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
