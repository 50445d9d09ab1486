import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import {
  aBrokenCluster,
  aCluster,
  aForeignListener,
  aListener,
  anAdsBootstrap,
  anAssignment,
  aRouteTable,
  NamedUpstream,
} from '../support/envoy-resources.ts';
import { envoyForTests } from '../support/envoy.ts';
import { ServedMesh } from '../support/served-mesh.ts';

/** A real Envoy on the other end, with resources that are put there by hand. */

const binary = await envoyForTests();
/** Milliseconds after which waiting is given up: less than Envoy's own 15 s, which end every warming. */
const patience = 8_000;

describe.skipIf(binary === undefined).each(['delta', 'sotw'] as const)('a real Envoy over %s ADS', (wire) => {
  let served: ServedMesh;
  let envoy: Envoy;
  let folder: string;
  let one: NamedUpstream;
  let two: NamedUpstream;

  beforeEach(async () => {
    [served, one, two, folder] = await Promise.all([
      ServedMesh.start(),
      NamedUpstream.start('one'),
      NamedUpstream.start('two'),
      mkdtemp(join(tmpdir(), 'weir-xds-')),
    ]);
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'a', aCluster('a'), { children: ['a'] });
      mesh.put('endpoints', 'a', anAssignment('a', one.port));
      mesh.put('listener', 'l', aListener('l', 'r'), { children: ['r'] });
      mesh.put('routes', 'r', aRouteTable('r', 'a'));
    });
    served.server.open();
    envoy = await Envoy.start({
      binary: binary ?? '',
      bootstrap: anAdsBootstrap(served.address, wire),
      name: `envoy-${wire}`,
      logFile: join(folder, 'envoy.log'),
    });
    await envoy.ready(AbortSignal.timeout(patience));
  });

  afterEach(async () => {
    await envoy.stop();
    await served.close();
    one.stop();
    two.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function portOf(listener: string): Promise<number> {
    const page = JSON.parse(await envoy.text('/listeners?format=json')) as {
      readonly listener_statuses?: readonly {
        readonly name: string;
        readonly local_address: { readonly socket_address: { readonly port_value: number } };
      }[];
    };
    const status = page.listener_statuses?.find(({ name }) => name === listener);
    return status?.local_address.socket_address.port_value ?? 0;
  }

  /** `status body`, or what went wrong. */
  async function ask(port: number): Promise<string> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      return `${response.status} ${await response.text()}`;
    } catch (error) {
      return String(error);
    }
  }

  async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
    await envoy.until(async () => holds(), AbortSignal.timeout(patience));
  }

  function isSynced(): boolean {
    const [status] = served.server.proxies();
    return status !== undefined && status.types.length >= 4 && status.types.every(({ state }) => state === 'synced');
  }

  /** Requests without a pause until it is stopped; gives what was not answered by 200. */
  function load(port: number): { readonly stop: () => Promise<{ readonly sent: number; readonly failed: string[] }> } {
    const failed: string[] = [];
    const end = new AbortController();
    let sent = 0;
    const finished = (async () => {
      while (!end.signal.aborted) {
        const answer = await ask(port);
        sent++;
        if (!answer.startsWith('200 ')) failed.push(answer);
      }
    })();
    return {
      stop: async () => {
        end.abort();
        await finished;
        return { sent, failed };
      },
    };
  }

  it('boots, takes new endpoints and none, and confirms all of it (xds-protocol/X63, xds-protocol/X300)', async () => {
    const port = await portOf('l');
    expect(await ask(port)).toBe('200 one');
    await until(isSynced);
    served.mesh.put('endpoints', 'a', anAssignment('a', two.port));
    await until(async () => (await ask(port)) === '200 two');
    served.mesh.put('endpoints', 'a', anAssignment('a'));
    await until(async () => (await ask(port)).startsWith('503'));
    served.mesh.put('endpoints', 'a', anAssignment('a', one.port));
    await until(async () => (await ask(port)) === '200 one');
    await until(isSynced);
  });

  it('warms changed clusters, all at once, and clusters that share endpoints, without waiting (xds-protocol/X60, xds-protocol/X62, xds-protocol/X66, xds-protocol/X302)', async () => {
    const active = await envoy.stat('cluster_manager.active_clusters');
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'a', aCluster('a', 2), { children: ['a'] });
      mesh.put('cluster', 'b', aCluster('b'), { children: ['b'] });
      mesh.put('endpoints', 'b', anAssignment('b', two.port));
      mesh.put('cluster', 'shares', aCluster('shares', 1, 'a'), { children: ['a'] });
    });
    await until(isSynced);
    await until(async () => (await envoy.stat('cluster_manager.active_clusters')) === active + 2);
    served.mesh.put('cluster', 'b', aCluster('b', 2), { children: ['b'] });
    await until(isSynced);
    expect(await envoy.stat('cluster_manager.warming_clusters')).toBe(0);
    expect(await envoy.text('/stats?filter=cluster\\..*\\.init_fetch_timeout')).not.toMatch(/: [1-9]/);
  });

  it('keeps what it had when it refuses something, and is sent that once (xds-protocol/X49, xds-protocol/X53)', async () => {
    const port = await portOf('l');
    served.mesh.put('routes', 'r', aRouteTable('r', 'a', ['*', '*']));
    const routes = () => served.server.proxies()[0]?.types.find(({ type }) => type === 'routes');
    await until(() => routes()?.state === 'rejected');
    expect(routes()?.nack).toMatchObject({ names: ['r'], message: /single wildcard domain/ });
    served.mesh.put('endpoints', 'a', anAssignment('a', two.port));
    await until(async () => (await ask(port)) === '200 two');
    expect(await envoy.stat('http.l.rds.r.update_rejected')).toBe(1);
    served.mesh.put('routes', 'r', aRouteTable('r', 'a', ['*', 'other']));
    await until(isSynced);
    expect(await ask(port)).toBe('200 two');
  });

  it('has the good of a response with something bad, whether it says which or not (xds-protocol/X51, xds-protocol/X304)', async () => {
    // A full state cannot be taken apart: a bad cluster that Envoy does not name keeps the others out until it is mended.
    const [clusters, broken] = wire === 'delta' ? [['b', 'c', 'd', 'e'], ['broken']] : [[], []];
    const active = await envoy.stat('cluster_manager.active_clusters');
    served.mesh.change((mesh) => {
      mesh.put('listener', 'foreign', aForeignListener('foreign'));
      mesh.put('listener', 'good', aListener('good', 'r'), { children: ['r'] });
      for (const name of clusters) mesh.put('cluster', name, aCluster(name, 1, 'a'), { children: ['a'] });
      for (const name of broken) mesh.put('cluster', name, aBrokenCluster(name));
    });
    await until(async () => (await portOf('good')) !== 0);
    await until(async () => (await ask(await portOf('good'))) === '200 one');
    await until(async () => (await envoy.stat('cluster_manager.active_clusters')) === active + clusters.length);
    await until(() => served.server.proxies()[0]?.types.every(({ state }) => state !== 'pending') ?? false);
    const refused = served.server.proxies()[0]?.types.flatMap(({ nack }) => nack?.names ?? []);
    expect(refused?.toSorted()).toEqual([...broken, 'foreign']);
  });

  it('loses no request while routes flip between clusters that come and go (xds-protocol/X55, xds-protocol/X57, policy/P346)', async () => {
    const traffic = load(await portOf('l'));
    let before = 'a';
    for (let flip = 0; flip < 60; flip++) {
      const next = `flip-${flip}`;
      served.mesh.change((mesh) => {
        mesh.put('cluster', next, aCluster(next), { children: [next] });
        mesh.put('endpoints', next, anAssignment(next, flip % 2 === 0 ? two.port : one.port));
        mesh.put('routes', 'r', aRouteTable('r', next));
        mesh.remove('cluster', before);
        mesh.remove('endpoints', before);
      });
      before = next;
      await until(isSynced);
    }
    const { sent, failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(sent).toBeGreaterThan(60);
    expect(await envoy.hostsOf('a')).toBeUndefined();
  });

  it('loses no request while the control plane is away and the mesh changes meanwhile (xds-protocol/X30, xds-protocol/X55)', async () => {
    const traffic = load(await portOf('l'));
    const removeOld = (): void => {
      served.mesh.remove('cluster', 'a');
      served.mesh.remove('endpoints', 'a');
    };
    await served.stopServing();
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'b', aCluster('b'), { children: ['b'] });
      mesh.put('endpoints', 'b', anAssignment('b', two.port));
      mesh.put('routes', 'r', aRouteTable('r', 'b'));
    });
    // A state-of-the-world client does not say what it holds, so what went meanwhile cannot be kept for it.
    if (wire === 'delta') removeOld();
    await served.serveAgain();
    await until(isSynced);
    removeOld();
    await until(async () => (await envoy.hostsOf('a')) === undefined);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(await ask(await portOf('l'))).toBe('200 two');
  });

  it('goes on with what it has when load assignments or routes are deleted (xds-protocol/X306)', async () => {
    const port = await portOf('l');
    served.mesh.change((mesh) => {
      mesh.remove('endpoints', 'a');
      mesh.remove('routes', 'r');
      mesh.put('cluster', 'proof', aCluster('proof'), { children: ['proof'] });
      mesh.put('endpoints', 'proof', anAssignment('proof', two.port));
    });
    await until(async () => (await envoy.hostsOf('proof')) !== undefined);
    expect(await ask(port)).toBe('200 one');
  });
});
