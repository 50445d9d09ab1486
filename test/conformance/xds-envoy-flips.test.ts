import { describe, expect, it } from 'vitest';
import { noObserver } from '../../src/xds/observer.ts';
import { anAssignment, aRouteTable } from '../support/envoy-resources.ts';
import { EnvoyRig } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';

/** A steady load through a real Envoy, while what it is served by comes and goes. */

const binary = await envoyForTests();
const flips = 500;

/** Tells who waits that something was confirmed. */
class Confirmations {
  #next = Promise.withResolvers<void>();

  readonly observer = {
    ...noObserver,
    acked: (): void => {
      this.#next.resolve();
      this.#next = Promise.withResolvers<void>();
    },
  };

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#next.promise;
  }
}

describe.skipIf(binary === undefined).each(['delta', 'sotw'] as const)(
  'a real Envoy over %s ADS, under load',
  (wire) => {
    it(`loses no request in ${flips} flips of its routes to clusters that come and go (xds-protocol/X55, xds-protocol/X57, policy/P346)`, async () => {
      const confirmations = new Confirmations();
      const { observer } = confirmations;
      const rig = await EnvoyRig.start({ binary: binary ?? '', variant: { wire, isAds: true }, observer });
      try {
        const port = await rig.portOf('l');
        const loads = [rig.load(port), rig.load(port)];
        let before = 'a';
        for (let flip = 0; flip < flips; flip++) {
          const next = `flip-${flip}`;
          rig.served.mesh.change((mesh) => {
            mesh.put('cluster', next, rig.cluster(next), { children: [next] });
            mesh.put('endpoints', next, anAssignment(next, flip % 2 === 0 ? rig.two.port : rig.one.port));
            mesh.put('routes', 'r', aRouteTable('r', next));
            mesh.remove('cluster', before);
            mesh.remove('endpoints', before);
          });
          before = next;
          await confirmations.until(() => rig.isSynced());
        }
        const results = await Promise.all(loads.map((load) => load.stop()));
        expect(results.flatMap(({ failed }) => failed)).toEqual([]);
        for (const { sent } of results) expect(sent).toBeGreaterThan(flips / 2);
        await rig.until(async () => (await rig.envoy.hostsOf(`flip-${flips - 2}`)) === undefined);
        expect(await rig.envoy.hostsOf(before)).toHaveLength(1);
        expect(await rig.faults()).toEqual([]);
      } finally {
        await rig.stop();
      }
    }, 60_000);
  },
);
