import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TimedClock } from '../../src/discovery/kubernetes/api/timed-clock.ts';
import { probeServer } from '../../src/discovery/kubernetes/server-probe.ts';
import { ApiServer, type ApiServerOptions } from '../support/api-server/api-server.ts';
import { Load } from '../support/api-server/load.ts';
import { Mirror } from '../support/api-server/mirror.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { createTestClient } from '../support/api-server/test-client.ts';
import { realTimedClock } from '../support/timed-clocks.ts';
import { Session } from './contract/session.ts';

/** Reflectors on a real API server that is killed, frozen and ended under load: what they know ends equal to what the server has. */

const programs = await apiServerForTests();

const services = { group: '', version: 'v1', plural: 'services', kind: 'Service' };
const secrets = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const slices = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice' };
const resources = [services, secrets, slices];
/** The bound of reliability/SC9. */
const patience = { timeout: 30_000, interval: 100 };
/** Seconds that are meant become tenths. */
const hurry = 10;

// Each starts a control plane of its own, and some start one again.
describe.skipIf(programs === undefined)('reflectors on a real API server', { timeout: 120_000 }, () => {
  let stops: (() => Promise<void>)[];

  beforeEach(() => {
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  /** A server with objects that nobody touches, reflectors of them, and somebody who writes all the time. */
  async function start(options: Partial<ApiServerOptions> = {}, clock: TimedClock = realTimedClock) {
    if (programs === undefined) throw new Error('no programs');
    const server = await ApiServer.start({ programs, controllers: false, ...options });
    stops.push(() => server.stop());
    const session = await Session.begin(server.client);
    for (let index = 0; index < 20; index++) {
      await session.create('secrets', { metadata: { name: `quiet-${index}` } });
      await session.create('services', { metadata: { name: `quiet-${index}` }, spec: headless });
    }
    const client = createTestClient(server.url, server, clock);
    const mirror = new Mirror({ client, namespace: session.namespace, resources, clock });
    stops.push(async () => {
      await mirror.stop();
      client.close();
    });
    await expect.poll(() => mirror.hasSynced, patience).toBe(true);
    const collections = new Map<string, object>([
      [session.path('secrets'), {}],
      [session.path('services'), { spec: headless }],
      [session.path('discovery.k8s.io/v1/endpointslices'), { addressType: 'IPv4', endpoints: [] }],
    ]);
    const load = new Load(server.client, collections);
    stops.push(() => load.stop());
    return { server, session, mirror, load };
  }

  async function writes(load: Load, count: number): Promise<void> {
    const from = load.written;
    await expect.poll(() => load.written - from, patience).toBeGreaterThan(count);
  }

  /** Whatever was told to be gone was deleted, and nothing that nobody touched. */
  function spurious({ removed }: Mirror, { deleted }: Load): readonly string[] {
    return removed.filter((key) => !deleted.has(key));
  }

  it('list each kind once after the server was killed, one after the other, and lose nothing (kubernetes/K65, kubernetes/K28, reliability/SC9)', async () => {
    const { server, mirror, load } = await start();
    await writes(load, 100);
    const before = new Map(resources.map(({ plural }) => [plural, mirror.lists(plural)]));
    await server.kill('kube-apiserver');
    await server.restart('kube-apiserver');
    await writes(load, 100);
    await load.stop();
    await expect.poll(() => mirror.differences(), patience).toEqual([]);
    expect(spurious(mirror, load)).toEqual([]);
    expect(mirror.mostAtOnce).toBe(1);
    for (const { plural } of resources) {
      expect(mirror.lists(plural) - (before.get(plural) ?? 0)).toBeLessThanOrEqual(1);
      expect(mirror.health(plural)).toBe('following');
    }
  });

  it('keep what they know while the store stands still, and go on when it does (kubernetes/K66, reliability/SC9)', async () => {
    const { server, mirror, load } = await start();
    await writes(load, 50);
    server.freeze('etcd');
    const { refused } = load;
    await expect.poll(() => load.refused, patience).toBeGreaterThan(refused);
    expect(spurious(mirror, load)).toEqual([]);
    server.thaw('etcd');
    await writes(load, 50);
    await load.stop();
    await expect.poll(() => mirror.differences(), patience).toEqual([]);
    expect(spurious(mirror, load)).toEqual([]);
    for (const { plural } of resources) expect(mirror.health(plural)).toBe('following');
  });

  it('are told within 90 s that the store stands still, although nobody has anything to say (kubernetes/K66, kubernetes/K156, reliability/SC9)', async () => {
    const { server, load } = await start({}, hurriedClock);
    await load.stop();
    const told: (string | undefined)[] = [];
    const ending = new AbortController();
    const options = { client: server.client, clock: hurriedClock, random: Math.random };
    const probing = probeServer(options, (reason) => told.push(reason), ending.signal);
    await expect.poll(() => told.length, patience).toBeGreaterThan(0);
    expect(told.at(-1)).toBeUndefined();
    const frozenAt = hurriedClock.monotonic();
    server.freeze('etcd');
    await expect.poll(() => told.at(-1), patience).toMatch(/no read from its store for 60 s/);
    expect(hurriedClock.monotonic() - frozenAt).toBeLessThan(90_000);
    server.thaw('etcd');
    await expect.poll(() => told.at(-1), patience).toBeUndefined();
    ending.abort();
    await probing;
  });

  it('say that they are stale when the server falls silent, and keep everything (kubernetes/K66, kubernetes/K21, reliability/SC9)', async () => {
    const { server, mirror, load } = await start({}, hurriedClock);
    await writes(load, 50);
    await load.stop();
    await expect.poll(() => mirror.differences(), patience).toEqual([]);
    const frozenAt = hurriedClock.monotonic();
    server.freeze('kube-apiserver');
    const stale = () => resources.every(({ plural }) => mirror.health(plural) === 'stale');
    await expect.poll(stale, patience).toBe(true);
    expect(hurriedClock.monotonic() - frozenAt).toBeLessThan(90_000);
    server.thaw('kube-apiserver');
    const following = () => resources.every(({ plural }) => mirror.health(plural) === 'following');
    await expect.poll(following, patience).toBe(true);
    await expect.poll(() => mirror.differences(), patience).toEqual([]);
    expect(spurious(mirror, load)).toEqual([]);
  });

  it('believe a server that is about to end, and go on with the next (kubernetes/K29, kubernetes/K142, kubernetes/K155)', async () => {
    const { server, session, mirror, load } = await start({ watchTerminationGrace: '30s' });
    await writes(load, 50);
    // What the server still takes, and still tells who watches, is true; then its connections break.
    const ended = server.terminate('kube-apiserver');
    await expect
      .poll(
        () =>
          server.client.request({ path: '/api' }).then(
            () => 'taken',
            () => 'refused',
          ),
        patience,
      )
      .toBe('refused');
    expect(spurious(mirror, load)).toEqual([]);
    await server.kill('kube-apiserver');
    await ended;
    await server.restart('kube-apiserver');
    await load.stop();
    await session.create('secrets', { metadata: { name: 'afterwards' } });
    await expect.poll(() => mirror.differences(), patience).toEqual([]);
    expect(spurious(mirror, load)).toEqual([]);
  });
});

const headless = { clusterIP: 'None', ports: [{ port: 80 }] };

/** Minutes pass in seconds. */
const hurriedClock: TimedClock = {
  now: () => realTimedClock.now(),
  monotonic: () => realTimedClock.monotonic() * hurry,
  after: (milliseconds, callback) => realTimedClock.after(milliseconds / hurry, callback),
};
