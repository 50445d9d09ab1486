import { afterEach, describe, expect, it } from 'vitest';
import { encode } from '../../src/xds/proto.ts';
import { lbEndpoint } from '../../src/xds/translate/load-assignment.ts';
import { ask, EnvoyRig } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';

/** What a real Envoy does with endpoints whose removal is on hold (reliability R51). */

const binary = await envoyForTests();

describe.skipIf(binary === undefined)('an Envoy with degraded endpoints', () => {
  if (binary === undefined) return;
  let rig: EnvoyRig | undefined;
  afterEach(() => rig?.stop());

  it('reliability/R51: is served by them while there is no other, and leaves them alone when there are enough healthy ones', async () => {
    rig = await EnvoyRig.start({ binary, variant: { wire: 'delta', isAds: true } });
    const { served, one, two, envoy } = rig;
    const port = await rig.portOf('l');
    const assign = (...members: readonly (readonly [string, number, 'healthy' | 'degraded'])[]) =>
      served.mesh.change((mesh) => {
        const lbEndpoints = members.map(([address, to, health]) =>
          lbEndpoint({ address, port: to, health, weight: 1, mutualTls: false }),
        );
        const content = { clusterName: 'a', endpoints: [{ lbEndpoints }] };
        mesh.put('endpoints', 'a', encode('envoy.config.endpoint.v3.ClusterLoadAssignment', content));
      });
    const members = async (pattern: RegExp): Promise<number> => {
      const page = await envoy.text('/clusters');
      return page.split('\n').filter((line) => line.startsWith('a::') && pattern.test(line)).length;
    };

    assign(['127.0.0.1', one.port, 'degraded']);
    await rig.until(async () => (await members(/health_flags::.*degraded/)) === 1);
    for (let request = 0; request < 20; request++) expect(await ask(port)).toBe('200 one');

    // Three of four healthy are enough for all traffic, since Envoy lets the healthy ones take 1.4 times their share; that nobody listens on two
    // of them is not known to it.
    const healthy = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
    assign(...healthy.map((address) => [address, two.port, 'healthy'] as const), ['127.0.0.1', one.port, 'degraded']);
    await rig.until(async () => (await members(/health_flags::/)) === 4);
    const answers = new Set<string>();
    for (let request = 0; request < 40; request++) answers.add(await ask(port));
    expect(answers.has('200 one')).toBe(false);
  });
});
