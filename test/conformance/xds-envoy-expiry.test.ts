import { afterEach, describe, expect, it } from 'vitest';
import { noObserver, type Push } from '../../src/xds/observer.ts';
import { anAssignment } from '../support/envoy-resources.ts';
import { EnvoyRig } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';

/** A real Envoy and a cluster that expires. */

const binary = await envoyForTests();

describe.skipIf(binary === undefined).each(['delta', 'sotw'] as const)('a cluster that expires, over %s', (wire) => {
  let rig: EnvoyRig | undefined;

  afterEach(() => rig?.stop());

  it('stays while the server speaks of it, and goes when it no longer does (xds-protocol/X72, xds-protocol/X316)', async () => {
    const pushes: Push[] = [];
    const observer = { ...noObserver, pushed: (push: Push) => void pushes.push(push) };
    rig = await EnvoyRig.start({ binary: binary ?? '', variant: { wire, isAds: true }, observer });
    const { served, envoy } = rig;
    const cluster = rig.cluster('b');
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'b', cluster, { children: ['b'], ttl: 1_000 });
      mesh.put('endpoints', 'b', anAssignment('b', 1));
    });
    await rig.until(async () => (await envoy.hostsOf('b')) !== undefined);
    pushes.length = 0;
    // A heartbeat comes every quarter to half of a second: these take longer than the cluster would live without them.
    await rig.until(() => pushes.filter(({ type }) => type === 'cluster').length >= 6);
    expect(await envoy.hostsOf('b')).toBeDefined();
    expect(await envoy.stat('cluster_manager.cluster_removed')).toBe(0);
    expect(await rig.faults()).toEqual([]);
    await served.stopServing();
    await rig.until(async () => (await envoy.hostsOf('b')) === undefined);
    expect(await envoy.hostsOf('a')).toBeDefined();
  });
});
