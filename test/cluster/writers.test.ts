import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import { NackedObjects } from '../../src/app/nacked-objects.ts';
import { runWeir, type Addresses } from '../../src/app/weir.ts';
import { readKubeconfigFiles } from '../../src/discovery/kubernetes/api/kubeconfig.ts';
import { ScriptedClient } from '../support/scripted-client.ts';
import { runKubernetesWriters } from '../../src/app/kubernetes-writers.ts';
import { timedClock } from '../../src/app/system-clock.ts';
import { listenWebhook, type Webhook } from '../../src/app/webhook.ts';
import { Lease } from '../../src/discovery/kubernetes/lease.ts';
import type { Engine } from '../../src/incremental/engine.ts';
import type { ConfigObject } from '../../src/model/config-object.ts';
import { configs } from '../../src/model/tables.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { Authority } from '../support/certificates.ts';
import { anIstioObject } from '../support/istio-objects.ts';
import { aMesh, aService } from '../support/mesh-rows.ts';
import { until } from '../support/test-mesh.ts';

/** What Weir writes to an API server, on a real one. */

const run = promisify(execFile);
const programs = await apiServerForTests();
const crds = new URL('../../deploy/crds', import.meta.url).pathname;

interface Stored {
  readonly metadata: {
    readonly generation: number;
    readonly resourceVersion: string;
    readonly managedFields: readonly { readonly manager: string; readonly subresource?: string }[];
  };
  readonly status?: { readonly observedGeneration: number; readonly conditions: readonly Told[] };
}

interface Told {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly observedGeneration: number;
}

describe.skipIf(programs === undefined)('on the real API server', () => {
  let server: ApiServer;
  let folder: string;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    if (programs === undefined) return;
    server = await ApiServer.start({ programs, controllers: false });
    folder = await mkdtemp(join(tmpdir(), 'weir-writers-'));
    await kubectl('apply', '--server-side', '-f', crds);
    await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
    await kubectl('create', 'namespace', 'shop');
    await kubectl('create', 'namespace', 'weir-system');
  });
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()));
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Standard output and error together. */
  async function kubectl(...parameters: readonly string[]): Promise<string> {
    const { stdout, stderr } = await run(programs?.kubectl ?? 'kubectl', [
      '--kubeconfig',
      server.kubeconfigPath,
      ...parameters,
    ]);
    return stdout + stderr;
  }

  async function apply(object: unknown): Promise<string> {
    const file = join(folder, 'object.json');
    await writeFile(file, JSON.stringify(object));
    return kubectl('apply', '-f', file);
  }

  async function virtualServiceNamed(name: string): Promise<Stored> {
    const path = `/apis/networking.istio.io/v1/namespaces/shop/virtualservices/${name}`;
    return (await server.client.request({ path })).body as Stored;
  }

  function virtualService(name: string, spec: unknown) {
    const metadata = { name, namespace: 'shop' };
    return { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata, spec };
  }

  const routesTo = (host: string) => ({ hosts: ['reviews'], http: [{ route: [{ destination: { host } }] }] });

  it('of two processes one leads, and the other when that one ends (kubernetes/K104)', async () => {
    const times = { duration: 6_000, renewDeadline: 4_000, retry: 200 };
    const begin = (identity: string) => {
      const stop = new AbortController();
      const lease = new Lease({
        client: server.client,
        namespace: 'weir-system',
        name: 'race',
        identity,
        whileLeading: ({ signal }) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
        clock: timedClock,
        random: Math.random,
        log: silentLog,
        times,
      });
      const done = lease.run(stop.signal);
      const end = async (): Promise<void> => {
        stop.abort();
        await done;
      };
      ends.push(end);
      return { lease, end };
    };
    const both = [begin('weir-0'), begin('weir-1')];
    await until('somebody leads', () => Promise.resolve(both.some(({ lease }) => lease.isLeader)));
    expect(both.filter(({ lease }) => lease.isLeader)).toHaveLength(1);
    const leader = both.find(({ lease }) => lease.isLeader);
    const other = both.find((each) => each !== leader);
    await leader?.end();
    await until('the other leads', () => Promise.resolve(other?.lease.isLeader === true));
    expect(leader?.lease.isLeader).toBe(false);
  });

  /** Weir's writers over rows that the test writes. */
  function write(engine: Engine, ...flags: readonly (readonly [string, string])[]): void {
    const config = readConfig({ flags: { kubernetes: 'true', ...Object.fromEntries(flags) }, environment: {} });
    if (config.kind === 'invalid') throw new Error(JSON.stringify(config.problems));
    const stop = new AbortController();
    const done = runKubernetesWriters(
      {
        client: server.client,
        source: 'kubernetes',
        settings: config.settings,
        engine,
        reflect: () => ({ run: () => Promise.resolve() }),
        authority: undefined,
        nacked: new NackedObjects(),
        xds: { programming: () => ({ proxies: 2, confirmed: 2, rejected: 0, rejections: [] }) },
        metrics: createMetrics({ version: '1', uptime: () => 0, processMetrics: false }),
        log: silentLog,
      },
      stop.signal,
    );
    ends.push(() => {
      stop.abort();
      return done;
    });
  }

  function put(engine: Engine, object: ConfigObject): void {
    engine.batch({ source: 'kubernetes', at: 0 }, (batch) => batch.put(configs, object));
  }

  it('status stands on the object under the name of Weir, beside what others say, and changes nothing else (kubernetes/K105)', async () => {
    await apply(virtualService('web', routesTo('missing')));
    const others = { status: { conditions: [{ type: 'Audited', status: 'True' }] } };
    await kubectl(
      'patch',
      'vs',
      'web',
      '-n',
      'shop',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify(others),
    );
    const engine = aMesh(aService('reviews'));
    const origin = { source: 'kubernetes' };
    put(engine, anIstioObject('VirtualService', routesTo('missing'), { name: 'web', origin }));
    write(engine, ['kubernetesStatusLease', 'weir-system/weir-status']);
    await until('status is there', async () => (await virtualServiceNamed('web')).status?.observedGeneration === 1);
    const stored = await virtualServiceNamed('web');
    const told = new Map(stored.status?.conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
    expect(Object.fromEntries(told)).toMatchObject({
      Accepted: 'True Accepted',
      ResolvedRefs: 'False HostNotFound',
      Programmed: 'True Programmed',
      Audited: expect.stringMatching(/^True/) as string,
    });
    expect(stored.metadata.generation).toBe(1);
    expect(stored.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'weir', operation: 'Apply', subresource: 'status' }),
    );
    expect(await kubectl('get', 'vs', 'web', '-n', 'shop')).toMatch(/True/);

    await apply(virtualService('web', routesTo('reviews')));
    put(engine, anIstioObject('VirtualService', routesTo('reviews'), { name: 'web', origin, generation: 2 }));
    await until('the edit is told', async () => (await virtualServiceNamed('web')).status?.observedGeneration === 2);
    const after = await virtualServiceNamed('web');
    expect(after.status?.conditions).toContainEqual(expect.objectContaining({ type: 'ResolvedRefs', status: 'True' }));
  });

  describe('weir serve --kubernetes', () => {
    let addresses: Addresses;
    const stops: (() => Promise<void>)[] = [];

    /** Another replica. */
    async function serve(): Promise<Addresses> {
      const flags = {
        kubernetes: 'true',
        kubernetesStatusLease: 'weir-system/weir-whole',
        xdsPlaintext: '127.0.0.1:0',
        admin: '127.0.0.1:0',
      };
      const config = readConfig({ flags, environment: {} });
      const cluster = await readKubeconfigFiles([server.kubeconfigPath]);
      if (config.kind === 'invalid' || cluster.kind === 'invalid') throw new Error(JSON.stringify([config, cluster]));
      const stop = new AbortController();
      const { settings } = config;
      return new Promise((onReady, reject) => {
        const options = { settings, cluster: cluster.value, variables: {}, version: '1', log: silentLog, onReady };
        const done = runWeir(options, stop.signal);
        done.catch(reject);
        stops.push(() => {
          stop.abort();
          return done;
        });
      });
    }

    beforeAll(async () => {
      if (programs === undefined) return;
      await apply({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'orders', namespace: 'shop' },
        spec: { ports: [{ name: 'http', port: 80 }] },
      });
      addresses = await serve();
    });
    afterAll(async () => {
      await Promise.all(stops.map((stop) => stop()));
    });

    async function told(name: string, type: string): Promise<Told & { readonly message: string }> {
      const { status } = await virtualServiceNamed(name);
      const nothing = { type, status: '', reason: '', message: '', observedGeneration: 0 };
      return { ...nothing, ...status?.conditions.find((each) => each.type === type) };
    }

    it('says of each edit how many proxies have confirmed it, and what a proxy has against it (istio-compat/I172, reliability/R19)', async () => {
      const spec = (timeout: string) => ({
        hosts: ['orders'],
        http: [{ timeout, route: [{ destination: { host: 'orders' } }] }],
      });
      await apply(virtualService('whole', spec('1s')));
      await until('nobody uses it', async () => (await told('whole', 'Programmed')).reason === 'NoProxies');

      const proxy = new ScriptedClient(addresses.xdsPlaintext ?? '', 'delta');
      ends.push(() => Promise.resolve(proxy.drop()));
      const node = { id: 'sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local' };
      proxy.hello('routes', { resourceNamesSubscribe: ['80'] }, node);
      proxy.ack(await proxy.next());
      await apply(virtualService('whole', spec('2s')));
      proxy.ack(await proxy.next());
      await until('the edit is programmed', async () => {
        const { status, observedGeneration } = await told('whole', 'Programmed');
        return status === 'True' && observedGeneration === 2;
      });
      expect((await told('whole', 'Programmed')).message).toBe('confirmed by 1 of 1 proxy');

      await apply(virtualService('whole', spec('7s')));
      proxy.nack(await proxy.next(), 'no timeouts, please');
      await until('it is refused', async () => (await told('whole', 'Programmed')).reason === 'Rejected');
      const { message, observedGeneration } = await told('whole', 'Programmed');
      expect(message).toMatch(/refused by 1:\nsidecar~10\.0\.0\.1~web-1\.shop~.*: no timeouts, please/);
      expect(observedGeneration).toBe(3);
    });

    it('serves proxies on every replica, while one of them writes (kubernetes/K103, reliability/R62)', async () => {
      const both = [addresses, await serve()];
      for (const { xdsPlaintext = '' } of both) {
        const proxy = new ScriptedClient(xdsPlaintext, 'delta');
        ends.push(() => Promise.resolve(proxy.drop()));
        proxy.hello('routes', { resourceNamesSubscribe: ['80'] });
        expect((await proxy.next()).resources).toHaveLength(1);
      }
      const leading = await Promise.all(
        both.map(
          async ({ admin }) =>
            /weir_leader\{.*\} (\d)/.exec(await (await fetch(`http://${admin}/metrics`)).text())?.[1],
        ),
      );
      expect(leading.toSorted()).toEqual(['0', '1']);
    });

    it('says of an object that it refuses why, and which generation stays in force (reliability/R23)', async () => {
      await apply(virtualService('edited', { ...routesTo('reviews'), hosts: ['other.example.com'] }));
      await until('it is in force', async () => (await told('edited', 'Accepted')).status === 'True');
      const http = [{ match: [{ uri: { regex: '(' } }], route: [{ destination: { host: 'reviews' } }] }];
      await apply(virtualService('edited', { hosts: ['other.example.com'], http }));
      await until('it is refused', async () => (await told('edited', 'Accepted')).status === 'False');
      const { message, observedGeneration } = await told('edited', 'Accepted');
      expect(message).toMatch(/^generation 1 stays in force:\nspec\.http\[0\]\.match\[0\]\.uri.*is not RE2/);
      expect(observedGeneration).toBe(2);
    });
  });

  describe('the webhook', () => {
    let webhook: Webhook | undefined;
    const engine = aMesh(aService('reviews'));

    beforeAll(async () => {
      if (programs === undefined) return;
      const authority = new Authority('webhooks');
      const { key, certificate } = authority.issue('weir', '127.0.0.1');
      const file = (name: string): string => join(folder, name);
      await writeFile(file('key.pem'), key);
      await writeFile(file('certificate.pem'), certificate);
      await writeFile(file('ca.pem'), authority.certificate);
      const flags = { webhook: '127.0.0.1:0', webhookKey: file('key.pem'), webhookCert: file('certificate.pem') };
      const config = readConfig({ flags, environment: {} });
      if (config.kind === 'invalid') throw new Error(JSON.stringify(config.problems));
      const metrics = createMetrics({ version: '1', uptime: () => 0, processMetrics: false });
      webhook = await listenWebhook({
        settings: config.settings,
        read: engine.read,
        nativeSidecars: () => true,
        metrics,
        log: silentLog,
      });
      await apply({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'weir' },
        webhooks: [
          {
            name: 'validation.weir.dev',
            clientConfig: { url: `https://${webhook?.address}/validate` },
            rules: [
              {
                apiGroups: ['networking.istio.io'],
                apiVersions: ['*'],
                operations: ['CREATE', 'UPDATE'],
                resources: ['virtualservices', 'destinationrules'],
              },
            ],
            failurePolicy: 'Fail',
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      });
    });
    afterAll(async () => {
      await kubectl('delete', 'validatingwebhookconfiguration', 'weir');
      await webhook?.close();
    });

    async function refusalOf(object: unknown): Promise<string> {
      try {
        return `not refused: ${await apply(object)}`;
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    }

    it('is trusted through what a replica keeps in its configuration (kubernetes/K89)', async () => {
      expect(await refusalOf(virtualService('early', routesTo('reviews')))).toMatch(/certificate signed by unknown/);
      write(engine, ['webhookConfiguration', 'weir'], ['webhookCa', join(folder, 'ca.pem')]);
      await until('objects are taken', async () =>
        /created|unchanged|configured/.test(await refusalOf(virtualService('good', routesTo('reviews')))),
      );
    });

    it('refuses what can never be right with every field, in a dry run too, and kubectl prints warnings (kubernetes/K85, kubernetes/K91)', async () => {
      const route = [{ destination: { host: 'reviews' } }];
      const http = [
        { match: [{ uri: { regex: '(' } }], route },
        { redirect: { uri: '/a' }, route },
      ];
      const bad = virtualService('bad', { hosts: ['reviews'], http });
      const refusal = await refusalOf(bad);
      expect(refusal).toMatch(/VirtualService "bad" is invalid/);
      expect(refusal).toMatch(/spec\.http\[0\]\.match\[0\]\.uri.*is not RE2/);
      expect(refusal).toMatch(/spec\.http\[1\].*WEIR1104/);
      const file = join(folder, 'object.json');
      await expect(kubectl('apply', '--dry-run=server', '-f', file)).rejects.toThrow(/is not RE2/);
      expect(await apply(virtualService('warned', routesTo('reviewz')))).toMatch(/Warning: spec\.http\[0\].*reviewz/);
    });
  });
});
