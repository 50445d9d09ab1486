import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTraffic } from '../../deploy/demo/traffic.ts';
import { envoyForTests } from '../support/envoy.ts';
import { echoOf, serviceDocument, TestMesh, until } from '../support/test-mesh.ts';

/** Traffic must not notice what happens to configuration and to Weir itself. */

const envoy = await envoyForTests();

/** A route to a subset that has a name of its own, so that its cluster comes with the route and goes with it. */
function generation(number: number, version: string): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo, namespace: test}
spec:
  host: echo
  subsets: [{name: generation-${number}, labels: {version: ${version}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http: [{route: [{destination: {host: echo, subset: generation-${number}}}]}]
`;
}

describe.skipIf(envoy === undefined)('steady traffic', () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await TestMesh.start(
      envoy ?? '',
      [
        { name: 'client-1', app: 'client', version: 'v1', address: '127.0.3.1' },
        { name: 'echo-v1-1', app: 'echo', version: 'v1', address: '127.0.3.11' },
        { name: 'echo-v2-1', app: 'echo', version: 'v2', address: '127.0.3.12' },
      ],
      { 'services.yaml': ['client', 'echo'].map(serviceDocument).join('---\n'), 'routes.yaml': generation(0, 'v1') },
    );
  });
  afterAll(async () => {
    await mesh?.stop();
  });

  /** Sends requests until `work` is done. Gives how many were answered by which version, and what failed. */
  async function underTraffic(work: (answered: () => number) => Promise<void>) {
    const versions: Record<string, number> = {};
    const failures: string[] = [];
    let answered = 0;
    const stop = new AbortController();
    const traffic = runTraffic(
      {
        perSecond: 200,
        ask: () => mesh.ask('client-1', 'http://echo/'),
        onAnswer: (_, answer) => {
          answered++;
          if (answer.status !== 200) failures.push(`${answer.status} ${answer.body}`);
          else versions[echoOf(answer).version] = (versions[echoOf(answer).version] ?? 0) + 1;
        },
      },
      stop.signal,
    );
    try {
      await work(() => answered);
    } finally {
      stop.abort();
      await traffic;
    }
    return { versions, failures, answered };
  }

  it('loses nothing while routes flip to new clusters and the old ones go', async () => {
    const { versions, failures, answered } = await underTraffic(async (sofar) => {
      for (let flip = 1; flip <= 12; flip++) {
        await mesh.apply('routes.yaml', generation(flip, flip % 2 === 0 ? 'v1' : 'v2'));
        const before = sofar();
        await until('some requests', async () => sofar() >= before + 15);
      }
    });
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(180);
    expect(Object.keys(versions).sort()).toEqual(['v1', 'v2']);
    const { sidecar } = mesh.pod('client-1');
    const subset = (number: number): string => `outbound|80|generation-${number}|echo.test.svc.cluster.local`;
    await until('the old cluster to go', async () => (await sidecar.hostsOf(subset(11))) === undefined);
    expect(await sidecar.hostsOf(subset(12))).toHaveLength(1);
  });

  it('loses nothing while Weir is killed and started again, and then follows it', async () => {
    const { failures, answered } = await underTraffic(async (sofar) => {
      await mesh.apply('routes.yaml', generation(100, 'v1'));
      await mesh.crashWeir();
      const down = sofar();
      await until('requests without Weir', async () => sofar() >= down + 100);
      await mesh.restartWeir();
      await until('the sidecars to be back', async () => {
        const { proxies } = await mesh.status();
        return proxies.length === mesh.pods.size && proxies.every(({ state }) => state === 'synced');
      });
      await mesh.apply('routes.yaml', generation(101, 'v2'));
      const up = sofar();
      await until('requests after the restart', async () => sofar() >= up + 50);
    });
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(150);
    expect(echoOf(await mesh.ask('client-1', 'http://echo/')).version).toBe('v2');
  });

  it('sends nothing again to sidecars that have everything when Weir comes back', async () => {
    const { sidecar } = mesh.pod('client-1');
    const before = await updatesOf(sidecar);
    await mesh.crashWeir();
    await mesh.restartWeir();
    await until('the sidecars to be back', async () => {
      const { proxies } = await mesh.status();
      return proxies.length === mesh.pods.size && proxies.every(({ state }) => state === 'synced');
    });
    expect(await updatesOf(sidecar)).toEqual(before);
  });

  it('is not disturbed by a listener that Envoy refuses; status names the object behind it', async () => {
    const pod = { name: 'late-1', app: 'late', version: 'v1', address: '127.0.3.31' };
    let occupant: Server | undefined;
    const { failures } = await underTraffic(async () => {
      await mesh.write('late.yaml', serviceDocument('late'));
      await mesh.startPods([pod], async (port) => {
        occupant = createServer().listen(port, pod.address);
        await once(occupant, 'listening');
      });
      await until('the NACK', async () => (await refusalOf(mesh, 'late-1')) !== undefined);
    });
    occupant?.close();
    expect(failures).toEqual([]);
    const refusal = await refusalOf(mesh, 'late-1');
    expect(refusal?.message).toContain('cannot bind');
    expect(refusal?.objects).toContainEqual(expect.objectContaining({ namespace: 'test', source: 'files' }));
    const { proxies } = await mesh.status();
    expect(proxies.filter(({ state }) => state !== 'synced').map(({ workload }) => workload)).toEqual(['late-1']);
  });
});

async function refusalOf(mesh: TestMesh, workload: string) {
  const proxy = (await mesh.status()).proxies.find((each) => each.workload === workload);
  return proxy?.types.find(({ nack }) => nack !== undefined)?.nack;
}

/** How often each kind of configuration was taken over. */
async function updatesOf(sidecar: { readonly text: (path: string) => Promise<string> }): Promise<readonly string[]> {
  const lines = (
    await sidecar.text('/stats?filter=(cluster_added|cluster_modified|listener_added|listener_modified|config_reload)$')
  ).split('\n');
  return lines.filter((line) => line !== '');
}
