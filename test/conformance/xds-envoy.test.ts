import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aBrokenCluster, aForeignListener, anAssignment, aRouteTable } from '../support/envoy-resources.ts';
import { ask, EnvoyRig } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';
import { variants } from '../support/trace-rig.ts';

/** A real Envoy on the other end, with resources that are put there by hand. */

const binary = await envoyForTests();

describe.skipIf(binary === undefined).each(variants)(
  'a real Envoy over $wire, ADS: $isAds (xds-protocol/X108, xds-protocol/X201)',
  (variant) => {
    let rig: EnvoyRig;

    beforeEach(async () => {
      rig = await EnvoyRig.start({ binary: binary ?? '', variant });
    });

    afterEach(() => rig.stop());

    // Types are ordered among each other only where they share a stream.
    const ordered = variant.isAds ? [variant] : [];
    const until: EnvoyRig['until'] = (holds) => rig.until(holds);
    const isSynced = (): boolean => rig.isSynced();
    const routes = () => rig.statuses().find(({ type }) => type === 'routes');

    it('boots, takes new endpoints and none, and confirms all of it (xds-protocol/X63, xds-protocol/X300)', async () => {
      const port = await rig.portOf('l');
      expect(await ask(port)).toBe('200 one');
      await until(isSynced);
      rig.served.mesh.put('endpoints', 'a', anAssignment('a', rig.two.port));
      await until(async () => (await ask(port)) === '200 two');
      rig.served.mesh.put('endpoints', 'a', anAssignment('a'));
      await until(async () => (await ask(port)).startsWith('503'));
      rig.served.mesh.put('endpoints', 'a', anAssignment('a', rig.one.port));
      await until(async () => (await ask(port)) === '200 one');
      await until(isSynced);
      expect(await rig.faults()).toEqual([]);
      const dump = JSON.stringify(await rig.envoy.configDump());
      for (const part of ['dynamic_active_clusters', 'dynamic_listeners', 'dynamic_route_configs'])
        expect(dump).toContain(part);
      expect(dump).not.toMatch(/dynamic_warming_clusters|error_state/);
    });

    it('warms changed clusters, all at once, and clusters that share endpoints, without waiting (xds-protocol/X60, xds-protocol/X62, xds-protocol/X66, xds-protocol/X302)', async () => {
      const active = await rig.envoy.stat('cluster_manager.active_clusters');
      rig.served.mesh.change((mesh) => {
        mesh.put('cluster', 'a', rig.cluster('a', { seconds: 2 }), { children: ['a'] });
        mesh.put('cluster', 'b', rig.cluster('b'), { children: ['b'] });
        mesh.put('endpoints', 'b', anAssignment('b', rig.two.port));
        mesh.put('cluster', 'shares', rig.cluster('shares', { serviceName: 'a' }), { children: ['a'] });
      });
      await until(isSynced);
      await until(async () => (await rig.envoy.stat('cluster_manager.active_clusters')) === active + 2);
      rig.served.mesh.put('cluster', 'b', rig.cluster('b', { seconds: 2 }), { children: ['b'] });
      await until(isSynced);
      expect(await rig.faults()).toEqual([]);
    });

    // On streams of their own, clusters that go are kept for a while (X59).
    it.each(ordered)('takes a cluster back that it had lost, and loses no host of it (xds-protocol/X66)', async () => {
      for (const seconds of [1, 2]) {
        rig.served.mesh.change((mesh) => {
          mesh.put('cluster', 'b', rig.cluster('b', { seconds }), { children: ['b'] });
          mesh.put('endpoints', 'b', anAssignment('b', rig.two.port));
        });
        await until(async () => (await rig.envoy.hostsOf('b'))?.length === 1);
        rig.served.mesh.remove('cluster', 'b');
        await until(async () => (await rig.envoy.hostsOf('b')) === undefined);
      }
      expect(await rig.faults()).toEqual([]);
    });

    it('takes a changed listener, whose routes did not change, without waiting (xds-protocol/X64)', async () => {
      const modified = await rig.envoy.stat('listener_manager.listener_modified');
      rig.served.mesh.put('listener', 'l', rig.listener('l', 'r', 'changed'), { children: ['r'] });
      await until(async () => (await rig.envoy.stat('listener_manager.listener_modified')) === modified + 1);
      await until(async () => (await rig.envoy.stat('listener_manager.total_listeners_warming')) === 0);
      await until(async () => (await ask(await rig.portOf('l'))) === '200 one');
      await until(async () => (await rig.envoy.stat('http.changed.downstream_rq_total')) > 0);
      await until(isSynced);
      expect(await rig.faults()).toEqual([]);
    });

    it('keeps what it had when it refuses something, and is sent that once (xds-protocol/X49, xds-protocol/X53)', async () => {
      const port = await rig.portOf('l');
      rig.served.mesh.put('routes', 'r', aRouteTable('r', 'a', ['*', '*']));
      await until(() => routes()?.state === 'rejected');
      expect(routes()?.nack).toMatchObject({ names: ['r'], message: /single wildcard domain/ });
      rig.served.mesh.put('endpoints', 'a', anAssignment('a', rig.two.port));
      await until(async () => (await ask(port)) === '200 two');
      expect(await rig.envoy.stat('http.l.rds.r.update_rejected')).toBe(1);
      rig.served.mesh.put('routes', 'r', aRouteTable('r', 'a', ['*', 'other']));
      await until(isSynced);
      expect(await ask(port)).toBe('200 two');
    });

    it('has the good of a response with something bad, whether it says which or not (xds-protocol/X51, xds-protocol/X102, xds-protocol/X304)', async () => {
      const [clusters, broken] = [['b', 'c', 'd', 'e'], ['broken']];
      const active = await rig.envoy.stat('cluster_manager.active_clusters');
      rig.served.mesh.change((mesh) => {
        mesh.put('listener', 'foreign', aForeignListener('foreign'));
        mesh.put('listener', 'good', rig.listener('good', 'r'), { children: ['r'] });
        for (const name of clusters)
          mesh.put('cluster', name, rig.cluster(name, { serviceName: 'a' }), { children: ['a'] });
        for (const name of broken) mesh.put('cluster', name, aBrokenCluster(name));
      });
      await until(async () => (await rig.portOf('good')) !== 0);
      await until(async () => (await ask(await rig.portOf('good'))) === '200 one');
      await until(async () => (await rig.envoy.stat('cluster_manager.active_clusters')) === active + clusters.length);
      await until(() => rig.statuses().every(({ state }) => state !== 'pending'));
      const refused = rig.statuses().flatMap(({ nack }) => nack?.names ?? []);
      expect(refused.toSorted()).toEqual([...broken, 'foreign']);
    });

    it.each(ordered)(
      'loses no request while the control plane is away and the mesh changes meanwhile (xds-protocol/X30, xds-protocol/X55)',
      async () => {
        const traffic = rig.load(await rig.portOf('l'));
        const removeOld = (): void => {
          rig.served.mesh.remove('cluster', 'a');
          rig.served.mesh.remove('endpoints', 'a');
        };
        await rig.served.stopServing();
        rig.served.mesh.change((mesh) => {
          mesh.put('cluster', 'b', rig.cluster('b'), { children: ['b'] });
          mesh.put('endpoints', 'b', anAssignment('b', rig.two.port));
          mesh.put('routes', 'r', aRouteTable('r', 'b'));
        });
        // A state-of-the-world client does not say what it holds, so what went meanwhile cannot be kept for it.
        if (variant.wire === 'delta') removeOld();
        await rig.served.serveAgain();
        await until(isSynced);
        removeOld();
        await until(async () => (await rig.envoy.hostsOf('a')) === undefined);
        const { failed } = await traffic.stop();
        expect(failed).toEqual([]);
        expect(await ask(await rig.portOf('l'))).toBe('200 two');
      },
    );

    it('goes on with what it has when load assignments or routes are deleted (xds-protocol/X306)', async () => {
      const port = await rig.portOf('l');
      rig.served.mesh.change((mesh) => {
        mesh.remove('endpoints', 'a');
        mesh.remove('routes', 'r');
        mesh.put('cluster', 'proof', rig.cluster('proof'), { children: ['proof'] });
        mesh.put('endpoints', 'proof', anAssignment('proof', rig.two.port));
      });
      await until(async () => (await rig.envoy.hostsOf('proof')) !== undefined);
      expect(await ask(port)).toBe('200 one');
    });

    it.each(ordered)('answers 503 as soon as a cluster is gone that it has routes to (xds-protocol/X306)', async () => {
      const port = await rig.portOf('l');
      rig.served.mesh.remove('cluster', 'a');
      await until(async () => (await ask(port)).startsWith('503'));
      rig.served.mesh.put('cluster', 'a', rig.cluster('a'), { children: ['a'] });
      await until(async () => (await ask(port)) === '200 one');
    });
  },
);
