import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiServer, type ApiServerOptions } from '../support/api-server/api-server.ts';
import { runKubelet } from '../support/api-server/kubelet.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { Session, summary } from './contract/session.ts';

/** What only a real control plane does: controllers, and what happens while parts of it are away. */

const programs = await apiServerForTests();

// Each starts one, and some start it again.
describe.skipIf(programs === undefined)('a real control plane', { timeout: 120_000 }, () => {
  let stops: (() => Promise<void>)[];

  beforeEach(() => {
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  async function start(options: Omit<ApiServerOptions, 'programs'> = {}) {
    if (programs === undefined) throw new Error('no programs');
    const server = await ApiServer.start({ programs, ...options });
    stops.push(() => server.stop());
    return { server, session: await Session.begin(server.client) };
  }

  it.skipIf(programs?.controllerManager === undefined)(
    'makes slices of the pods of a Deployment, and keeps them true (kubernetes/K131, kubernetes/K152)',
    async () => {
      const { server, session } = await start();
      const leaving = new AbortController();
      const kubelet = runKubelet(server.client, leaving.signal);
      stops.push(async () => {
        leaving.abort();
        await kubelet;
      });
      const labels = { app: 'web' };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
      const spec = { replicas: 3, selector: { matchLabels: labels }, template };
      await session.create('apps/v1/deployments', { metadata: { name: 'web' }, spec });
      await session.create('services', {
        metadata: { name: 'web' },
        spec: { selector: labels, ports: [{ port: 80 }] },
      });
      const ready = async () => {
        const { items } = await session.list('discovery.k8s.io/v1/endpointslices');
        const endpoints = items.flatMap((slice) => slice['endpoints'] as readonly Endpoint[]);
        return endpoints.filter(({ conditions }) => conditions.ready).length;
      };
      await expect.poll(ready, { timeout: 15_000 }).toBe(3);
      const [endpoint] = (await session.list('discovery.k8s.io/v1/endpointslices')).items.flatMap(
        (slice) => slice['endpoints'] as readonly Endpoint[],
      );
      expect(endpoint).toMatchObject({ zone: expect.stringMatching(/^zone-/), targetRef: { kind: 'Pod' } });
      await session.merge('apps/v1/deployments', 'web', { spec: { replicas: 1 } });
      await expect.poll(ready, { timeout: 15_000 }).toBe(1);
    },
  );

  it('lists from its cache while its store stands still, and nothing else (kubernetes/K156)', async () => {
    const { server, session } = await start({ controllers: false });
    await session.create('secrets', { metadata: { name: 'a' } });
    const { resourceVersion } = (await session.list('secrets')).metadata;
    await session.list('secrets', { resourceVersion, resourceVersionMatch: 'NotOlderThan' });
    server.freeze('etcd');
    expect((await session.list('secrets', { resourceVersion: '0' })).items).toHaveLength(1);
    const end = new AbortController();
    const quorum = session.client.request({ path: session.path('secrets') }, end.signal).then(
      () => 'answered',
      () => 'given up',
    );
    expect((await session.list('secrets', { resourceVersion: '0' })).items).toHaveLength(1);
    end.abort();
    expect(await quorum).toBe('given up');
    server.thaw('etcd');
    await expect.poll(async () => (await session.list('secrets')).items.length, { timeout: 15_000 }).toBe(1);
  });

  it('keeps watches open for a while after it was asked to end, and what they say is true (kubernetes/K142, kubernetes/K155)', async () => {
    // With the delay there is something for the watch to say: without, whether a write is still taken is a matter of luck.
    const { server, session } = await start({
      controllers: false,
      watchTerminationGrace: '20s',
      shutdownDelay: '10s',
    });
    const { resourceVersion } = (await session.list('secrets')).metadata;
    const watching = await session.watch('secrets', { resourceVersion });
    stops.push(async () => watching.close());
    const ended = server.terminate('kube-apiserver').then(() => 'ended');
    await session.create('secrets', { metadata: { name: 'a' } });
    expect(summary(await watching.next())).toBe('ADDED a');
    expect(await Promise.race([ended, Promise.resolve('still there')])).toBe('still there');
    await server.kill('kube-apiserver');
    await ended;
  });

  // Programs of others have no reason to know that they are for tests.
  const areOurs = process.env['KUBEBUILDER_ASSETS'] === undefined && process.platform === 'linux';
  it.runIf(areOurs).each([
    ['closes its standard input', (owner: ChildProcess) => void owner.stdin?.end()],
    ['is killed', (owner: ChildProcess) => void owner.kill('SIGKILL')],
  ])('ends when who started it %s (kubernetes/K150)', async (_how, end) => {
    const script = fileURLToPath(new URL('../support/api-server/run.ts', import.meta.url));
    const owner = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    stops.push(async () => void owner.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const { pids } = JSON.parse(line) as { readonly pids: Readonly<Record<string, number>> };
    const running = () => Object.values(pids).filter(isRunning);
    expect(running()).toHaveLength(Object.keys(pids).length);
    end(owner);
    await expect.poll(running, { timeout: 15_000 }).toEqual([]);
  });

  it('ends its watches within a moment where it is told to (kubernetes/K155)', async () => {
    const { server, session } = await start({ controllers: false });
    const { resourceVersion } = (await session.list('secrets')).metadata;
    const watching = await session.watch('secrets', { resourceVersion });
    const over = watching.next().then(summary, () => 'broken');
    await server.terminate('kube-apiserver');
    expect(['end', 'broken']).toContain(await over);
    await server.restart('kube-apiserver');
    expect(await session.list('secrets')).toBeDefined();
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

interface Endpoint {
  readonly conditions: { readonly ready: boolean };
}
