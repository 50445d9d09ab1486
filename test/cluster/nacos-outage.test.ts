import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RegistryLayers } from '../../src/app/registry-layers.ts';
import { NacosSource } from '../../src/discovery/nacos/nacos-source.ts';
import { noCredentials } from '../../src/discovery/nacos/client/credentials.ts';
import { SharedRows } from '../../src/discovery/shared-rows.ts';
import { Engine } from '../../src/incremental/engine.ts';
import { endpointShards, services, sourceProblems, sources } from '../../src/model/tables.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { Nacos } from '../support/nacos/nacos-server.ts';
import { nacosForTests } from '../support/nacos/programs.ts';
import { PlainNacosClient } from '../support/nacos/plain-client.ts';
import { Registrar } from '../support/nacos/registrar.ts';
import { realTimedClock } from '../support/timed-clocks.ts';

/** A real Nacos that loses everything, and a mesh that does not. */

const programs = await nacosForTests();
const patience = 240_000;
const serviceCount = 500;
const instanceCount = 3;

describe.skipIf(programs === undefined)('a Nacos that is wiped', () => {
  if (programs === undefined) return;
  let nacos: Nacos;
  let folder: string;
  const followed: FollowedThroughLayers[] = [];

  beforeAll(async () => {
    nacos = await Nacos.start({ programs });
    folder = await mkdtemp(join(tmpdir(), 'weir-outage-'));
  }, patience);
  afterEach(() => Promise.all(followed.splice(0).map((each) => each.stop())));
  afterAll(async () => {
    await nacos.stop();
    await rm(folder, { recursive: true, force: true });
  }, patience);

  async function follow(): Promise<FollowedThroughLayers> {
    const each = await FollowedThroughLayers.start([nacos.node.address], folder);
    followed.push(each);
    return each;
  }

  it(
    'reliability/SC6 reliability/R25: empties none of 500 services, takes no endpoint away that comes back, says so at once, and lets go when it is told to',
    async () => {
      const provider = await register(nacos);
      const mesh = await follow();
      await mesh.until(() => mesh.healthy === serviceCount * instanceCount);
      mesh.watchCount();
      await nacos.wipe();
      provider.close();
      await nacos.startAll();
      const started = performance.now();
      await mesh.until(() => mesh.held === serviceCount * instanceCount);
      expect(mesh.emptied()).toEqual([]);
      expect(mesh.problemCodes()).toContain('WEIR2013');
      process.stderr.write(`wiped: all held ${Math.round(performance.now() - started)} ms after the server was back\n`);

      const again = await register(nacos);
      await mesh.until(() => mesh.healthy === serviceCount * instanceCount);
      expect(mesh.fewest).toBe(serviceCount * instanceCount);
      expect(mesh.held).toBe(0);

      again.close();
      await mesh.until(() => mesh.held === serviceCount * instanceCount);
      const asked = performance.now();
      expect(mesh.layers.release({ source: 'nacos', service: undefined, who: 'test', reason: 'really gone' })).toBe(
        serviceCount * instanceCount,
      );
      expect(mesh.held).toBe(0);
      process.stderr.write(`released ${serviceCount} services in ${Math.round(performance.now() - asked)} ms\n`);
    },
    patience,
  );

  it(
    'reliability/R50 reliability/SC16: is served from disk by a Weir that starts while it is dark, and is believed again when it is back',
    async () => {
      const provider = await register(nacos);
      const first = await follow();
      await first.until(() => first.healthy === serviceCount * instanceCount);
      await first.stop();
      await nacos.kill();
      const started = performance.now();
      const second = await follow();
      await second.until(() => second.freshness === 'stale');
      process.stderr.write(`dark: served ${Math.round(performance.now() - started)} ms after the start\n`);
      expect(second.healthy).toBe(serviceCount * instanceCount);
      provider.close();
      await nacos.restart();
      await second.until(() => second.freshness === 'synced');
      expect(second.emptied()).toEqual([]);
    },
    patience,
  );
});

describe.skipIf(programs === undefined)('a Nacos of three nodes', () => {
  if (programs === undefined) return;
  const names = Array.from({ length: 100 }, (_, index) => `rolling-${index}`);

  it('reliability/SC6: loses no endpoint when its nodes are restarted one after the other', async () => {
    const nacos = await Nacos.start({ programs, nodes: 3 });
    const folder = await mkdtemp(join(tmpdir(), 'weir-rolling-'));
    const addresses = nacos.nodes.map(({ address }) => address);
    const registrars = [];
    for (const first of addresses) {
      const servers = [first, ...addresses.filter((address) => address !== first)];
      registrars.push(await Registrar.start({ programs, servers }));
    }
    const mesh = await FollowedThroughLayers.start(addresses, folder);
    for (const [index, registrar] of registrars.entries()) {
      for (const [number, service] of names.entries()) {
        await registrar.do({ do: 'register', service, instance: { ip: `10.7.${number}.${index}`, port: 80 } });
      }
    }
    await mesh.until(() => mesh.healthy === 300);
    mesh.watchCount();
    for (const index of addresses.keys()) {
      await nacos.terminate(index);
      await nacos.restart(index);
      await mesh.until(() => mesh.healthy === 300);
      process.stderr.write(`node ${index} restarted: never fewer than ${mesh.fewest} of 300 endpoints\n`);
    }
    expect(mesh.emptied()).toEqual([]);
    expect(mesh.fewest).toBe(300);
    await mesh.stop();
    for (const registrar of registrars) await registrar.stop();
    await nacos.stop();
    await rm(folder, { recursive: true, force: true });
  }, 600_000);
});

/** A source of Nacos and the tables, with all that stands between them. */
class FollowedThroughLayers {
  readonly layers: RegistryLayers;
  /** Of endpoints, healthy or held, since they are counted. */
  fewest = Infinity;
  readonly #engine = new Engine();
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #run: Promise<unknown> = Promise.resolve();

  private constructor(stateDir: string) {
    this.#engine.onCommit(() => {
      for (const look of this.#waiting) look();
    });
    this.layers = new RegistryLayers({
      settings: {
        ...{ removalBudget: { most: { kind: 'share', share: 0.25 }, window: 300_000 }, removalBudgetMode: 'hold' },
        ...{ removalBudgetConfirmation: 60_000, stateDir },
      },
      shared: new SharedRows(this.#engine),
      clock: realTimedClock,
      log: silentLog,
      metrics: createMetrics({ version: '0', uptime: () => 0, processMetrics: false }),
    });
  }

  static async start(addresses: readonly string[], stateDir: string): Promise<FollowedThroughLayers> {
    const mesh = new FollowedThroughLayers(stateDir);
    const source = new NacosSource({
      ...{ admit: () => [], clock: realTimedClock, log: silentLog, random: () => 0, version: '0', allowed: undefined },
      engine: mesh.layers.writerOf({ name: 'nacos', kind: 'nacos', rank: 3 }),
      servers: addresses.map((address) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) })),
      ...{ grpcPortOffset: 1000, tls: undefined, credentials: noCredentials, hosts: { kind: 'nacos' } },
      namespaces: [{ id: 'public', meshNamespace: 'public' }],
      groups: ['DEFAULT_GROUP'],
      pace: { listPeriod: 1_000, auditPeriod: 60_000, concurrency: 200 },
    });
    await mesh.layers.restore();
    const { signal } = mesh.#abort;
    mesh.#run = Promise.all([source.run(signal), mesh.layers.run(signal)]);
    return mesh;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#run;
  }

  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition()) resolve();
    };
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
  }

  /** From now on. */
  watchCount(): void {
    this.#waiting.add(() => (this.fewest = Math.min(this.fewest, this.healthy + this.held)));
  }

  get healthy(): number {
    return this.#count('healthy');
  }

  get held(): number {
    return this.#count('degraded');
  }

  get freshness() {
    return this.#engine.read(sources, 'nacos')?.freshness;
  }

  problemCodes(): readonly string[] {
    return [...this.#engine.rows(sourceProblems)].map(({ code }) => code);
  }

  /** Services without any endpoint. */
  emptied(): readonly string[] {
    const filled = new Set(
      [...this.#engine.rows(endpointShards)]
        .filter(({ endpoints }) => endpoints.length > 0)
        .map(({ service }) => service),
    );
    return [...this.#engine.rows(services)].map(({ key }) => key).filter((key) => !filled.has(key));
  }

  #count(health: string): number {
    let count = 0;
    for (const { endpoints } of this.#engine.rows(endpointShards)) {
      for (const endpoint of endpoints) if (endpoint.health === health) count++;
    }
    return count;
  }
}

/** As one client that registers all instances, and whose end takes them all away. */
async function register(nacos: Nacos): Promise<PlainNacosClient> {
  const client = await PlainNacosClient.connect(nacos.node.grpcAddress);
  for (let service = 0; service < serviceCount; service++) {
    const instances = Array.from({ length: instanceCount }, (_, index) => ({
      ...{ ip: `10.${Math.floor(service / 250)}.${service % 250}.${index + 1}`, port: 8080, weight: 1, healthy: true },
      ...{ enabled: true, ephemeral: true, clusterName: 'DEFAULT', metadata: {} },
    }));
    await client.ask('BatchInstanceRequest', {
      ...{ namespace: 'public', groupName: 'DEFAULT_GROUP', serviceName: `s-${service}`, module: 'naming' },
      ...{ type: 'batchRegisterInstance', instances },
    });
  }
  return client;
}
