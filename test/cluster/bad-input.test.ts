import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../src/admin/status-report.ts';
import { adminUrl, askAdmin } from '../../src/cli/admin-request.ts';
import { readConfig } from '../../src/app/config.ts';
import { runWeir, type Addresses } from '../../src/app/weir.ts';
import { ApiError } from '../../src/discovery/kubernetes/api/api-client.ts';
import { readKubeconfigFiles } from '../../src/discovery/kubernetes/api/kubeconfig.ts';
import { silentLog } from '../../src/observe/log.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { Authority } from '../support/certificates.ts';
import { ScriptedClient } from '../support/scripted-client.ts';
import { until } from '../support/test-mesh.ts';

/**
 * Objects that the definitions admit and that make no sense, on a real API server: its webhook refuses them with everything that is wrong with
 * them; where there is no webhook they stand, are named, and move nothing.
 */

const run = promisify(execFile);
const programs = await apiServerForTests();
const crds = new URL('../../deploy/crds', import.meta.url).pathname;
const collection = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices';

interface Bad {
  readonly what: string;
  readonly spec: object;
  /** Everything that is wrong. */
  readonly paths: readonly string[];
}

const web = { destination: { host: 'web' } };
const million = 'x'.repeat(1024 * 1024);

const refused: readonly Bad[] = [
  {
    what: 'negative-weights',
    spec: {
      hosts: ['web'],
      http: [
        {
          route: [
            { ...web, weight: -5 },
            { ...web, weight: -1 },
          ],
        },
      ],
    },
    paths: ['spec.http[0].route[0].weight', 'spec.http[0].route[1].weight'],
  },
  {
    what: 'pattern-of-a-mebibyte',
    spec: { hosts: ['web'], http: [{ match: [{ uri: { regex: million } }], route: [web] }] },
    paths: ['spec.http[0].match[0].uri.regex'],
  },
  {
    what: 'host-of-a-mebibyte',
    spec: { hosts: [million], http: [{ route: [web] }] },
    paths: ['spec.hosts[0]'],
  },
  {
    what: 'pattern-without-end',
    spec: {
      hosts: ['web'],
      http: [
        { match: [{ uri: { regex: '((a{99}){99}){99}' } }], route: [web] },
        { timeout: '5', route: [web] },
      ],
    },
    paths: ['spec.http[0].match[0].uri.regex', 'spec.http[1].timeout'],
  },
  {
    what: 'reserved-keys',
    spec: {
      hosts: ['web'],
      http: [{ route: [web], headers: JSON.parse('{"request":{"set":{"__proto__":"a"}}}') as object }],
    },
    paths: ['spec.http[0].headers.request.set.__proto__'],
  },
];

/** What is right by itself, and means nothing here. */
const unknownSubset = { hosts: ['web'], http: [{ route: [{ destination: { host: 'web', subset: 'v9' } }] }] };

describe.skipIf(programs === undefined)('a real API server with Weir', { timeout: 60_000 }, () => {
  const stopping = new AbortController();
  let server: ApiServer;
  let folder: string;
  let addresses: Addresses;
  let running: Promise<void>;
  let proxy: ScriptedClient;

  beforeAll(async () => {
    if (programs === undefined) return;
    server = await ApiServer.start({ programs, controllers: false });
    folder = await mkdtemp(join(tmpdir(), 'weir-bad-input-'));
    await kubectl('apply', '--server-side', '-f', crds);
    await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
    await kubectl('create', 'namespace', 'shop');
    for (const name of ['web', 'other'])
      await kubectl('-n', 'shop', 'create', 'service', 'clusterip', name, '--tcp=80');
    await put('good', { hosts: ['other'], http: [{ timeout: '3s', route: [{ destination: { host: 'other' } }] }] });
    addresses = await serve();
    proxy = new ScriptedClient(addresses.xdsPlaintext ?? '', 'delta');
    proxy.hello('cluster', {});
    proxy.ack(await proxy.next());
    proxy.send('routes', { resourceNamesSubscribe: ['80'] });
    proxy.ack(await proxy.next());
  }, 120_000);
  afterAll(async () => {
    proxy.drop();
    stopping.abort();
    await running;
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function kubectl(...parameters: readonly string[]): Promise<void> {
    await run(programs?.kubectl ?? 'kubectl', ['--kubeconfig', server.kubeconfigPath, ...parameters]);
  }

  async function serve(): Promise<Addresses> {
    const authority = new Authority('webhooks');
    const { key, certificate } = authority.issue('weir', '127.0.0.1');
    await writeFile(join(folder, 'key.pem'), key);
    await writeFile(join(folder, 'certificate.pem'), certificate);
    const flags = {
      kubernetes: 'true',
      xdsPlaintext: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      webhook: '127.0.0.1:0',
      webhookKey: join(folder, 'key.pem'),
      webhookCert: join(folder, 'certificate.pem'),
    };
    const config = readConfig({ flags, environment: {} });
    const cluster = await readKubeconfigFiles([server.kubeconfigPath]);
    if (config.kind === 'invalid' || cluster.kind === 'invalid') throw new Error(JSON.stringify([config, cluster]));
    const { settings } = config;
    const ready = await new Promise<Addresses>((onReady, reject) => {
      const options = { settings, cluster: cluster.value, variables: {}, version: '1', log: silentLog, onReady };
      running = runWeir(options, stopping.signal);
      running.catch(reject);
    });
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    await server.client.request({ method: 'POST', path, body: webhookAt(ready.webhook ?? '', authority.certificate) });
    return ready;
  }

  async function put(name: string, spec: object): Promise<void> {
    const body = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name }, spec };
    await server.client.request({ method: 'POST', path: collection, body });
  }

  async function remove(name: string): Promise<void> {
    await server.client.request({ method: 'DELETE', path: `${collection}/${name}` });
  }

  async function report(): Promise<StatusReport> {
    return (await askAdmin(adminUrl('/status', addresses.admin))).json() as Promise<StatusReport>;
  }

  async function problemsOf(name: string): Promise<readonly string[]> {
    const { problems } = await report();
    return problems.flatMap(({ object, path }) => (object?.name === name ? [path] : [])).toSorted();
  }

  /** The next thing that the proxy is sent is what follows from an edit that is right: nothing came before. */
  async function nothingElseWasSent(timeout: string): Promise<void> {
    const path = `${collection}/good`;
    const body = { spec: { http: [{ timeout, route: [{ destination: { host: 'other' } }] }] } };
    const before = proxy.trace.length;
    await server.client.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    proxy.ack(await proxy.next());
    expect(proxy.trace.slice(before).map(({ type, resources }) => [type, resources.length])).toEqual([['routes', 1]]);
    expect((await report()).sources).toMatchObject([{ freshness: 'synced' }]);
  }

  describe('and its webhook', () => {
    it.each(refused)(
      'refuses $what with all that is wrong (kubernetes/K85, reliability/S76)',
      async ({ what, spec, paths }) => {
        let refusal: unknown;
        await until('the webhook is asked', async () => {
          refusal = await put(what, spec).then(
            () => remove(what),
            (error: unknown) => error,
          );
          return refusal instanceof ApiError;
        });
        expect(refusal).toMatchObject({ failure: 'refused', status: 422 });
        const message = refusal instanceof Error ? refusal.message : '';
        for (const path of paths) expect(message).toContain(`${path}: `);
        expect(message.length).toBeLessThan(10_000);
      },
    );

    it('has sent nothing to anybody meanwhile', async () => {
      await nothingElseWasSent('4s');
      expect((await report()).problems).toEqual([]);
    });
  });

  describe('without its webhook', () => {
    beforeAll(async () => {
      if (programs !== undefined) await kubectl('delete', 'validatingwebhookconfiguration', 'weir');
    });

    it.each(refused)(
      'has $what, names all that is wrong, and nothing else happens (kubernetes/K85, reliability/S76)',
      async ({ what, spec, paths }) => {
        await until('it is admitted', () =>
          put(what, spec).then(
            () => true,
            (error: unknown) => error instanceof ApiError && error.status === 409,
          ),
        );
        await until('it is named', async () => (await problemsOf(what)).length > 0);
        expect(await problemsOf(what)).toEqual(paths);
        await nothingElseWasSent(`${what.length}s`);
        await remove(what);
        await until('it is gone', async () => (await problemsOf(what)).length === 0);
      },
    );

    it('says of a subset that there is not that it is unknown, and the service stays (kubernetes/K85)', async () => {
      await put('unknown-subset', unknownSubset);
      proxy.ack(await proxy.next());
      const { findings } = await report();
      expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('v9')]);
      await nothingElseWasSent('1.5s');
    });
  });
});

function webhookAt(address: string, authority: string) {
  return {
    metadata: { name: 'weir' },
    webhooks: [
      {
        name: 'validation.weir.dev',
        clientConfig: {
          url: `https://${address}/validate`,
          caBundle: Buffer.from(authority).toString('base64'),
        },
        rules: [
          {
            apiGroups: ['networking.istio.io'],
            apiVersions: ['*'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['virtualservices'],
          },
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
