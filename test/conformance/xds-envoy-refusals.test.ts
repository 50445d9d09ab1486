import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encode } from '../../src/xds/proto.ts';
import { noObserver } from '../../src/xds/observer.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { EnvoyRig } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';

/**
 * What a real Envoy says that it holds after it refused a part of a response is not what it runs: it applies the rest and remembers no
 * versions of it (xds-protocol X304). Here its connection breaks just when it has refused something, so that nothing of what the server
 * sends to mend that arrives.
 */

const binary = await envoyForTests();

/** A cluster with a transport socket that no Envoy has: it alone is refused. */
function aForeignCluster(name: string): Uint8Array {
  const typedConfig = { typeUrl: 'type.googleapis.com/foo.Bar', value: new Uint8Array(0) };
  return encode('envoy.config.cluster.v3.Cluster', {
    name,
    type: 'STATIC',
    connectTimeout: { seconds: 1 },
    transportSocket: { name: 'foreign', typedConfig },
  });
}

describe.skipIf(binary === undefined)('a real Envoy that refuses a part of a response and loses its connection', () => {
  let rig: EnvoyRig;
  let proxy: CutProxy;
  /** What happens, once, when Envoy refuses something. */
  let whenRefused: (() => void) | undefined;

  beforeEach(async () => {
    whenRefused = undefined;
    const observer = {
      ...noObserver,
      nacked: (): void => {
        const change = whenRefused;
        whenRefused = undefined;
        if (change === undefined) return;
        proxy.cut();
        change();
      },
    };
    const via = async (address: string): Promise<string> => {
      proxy = await CutProxy.start(address);
      return proxy.address;
    };
    rig = await EnvoyRig.start({ binary: binary ?? '', variant: { wire: 'delta', isAds: true }, observer, via });
  });

  afterEach(async () => {
    await rig.stop();
    proxy.stop();
  });

  /** Whether the change came after Envoy refused, and Envoy is back since. */
  async function back(): Promise<void> {
    await rig.until(() => whenRefused === undefined);
    await rig.until(() => rig.statuses().length >= 4 && rig.statuses().every(({ state }) => state !== 'pending'));
  }

  async function connectTimeoutOf(cluster: string): Promise<string> {
    const dump = JSON.stringify(await rig.envoy.configDump());
    return new RegExp(`"name":"${cluster}","type":"EDS".*?"connect_timeout":"([^"]*)"`).exec(dump)?.[1] ?? dump;
  }

  it('loses a sibling of what it refused that was deleted meanwhile (xds-protocol/X304)', async () => {
    whenRefused = () => rig.served.mesh.change((mesh) => mesh.remove('cluster', 'sibling'));
    rig.served.mesh.change((mesh) => {
      mesh.put('cluster', 'foreign', aForeignCluster('foreign'));
      mesh.put('cluster', 'sibling', rig.cluster('sibling', { serviceName: 'a' }), { children: ['a'] });
    });
    await back();
    await rig.until(async () => (await rig.envoy.hostsOf('sibling')) === undefined);
    expect(await rig.envoy.hostsOf('a')).toHaveLength(1);
  });

  it('runs the content of before when that is back, and not what came with what it refused (xds-protocol/X304)', async () => {
    const before = rig.cluster('a', { seconds: 1 });
    whenRefused = () => rig.served.mesh.put('cluster', 'a', before, { children: ['a'] });
    rig.served.mesh.change((mesh) => {
      mesh.put('cluster', 'foreign', aForeignCluster('foreign'));
      mesh.put('cluster', 'a', rig.cluster('a', { seconds: 2 }), { children: ['a'] });
    });
    await back();
    await rig.until(async () => (await connectTimeoutOf('a')) === '1s');
  });
});
