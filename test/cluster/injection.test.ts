import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderChart } from '../../deploy/helm/helm.ts';
import { readConfig } from '../../src/app/config.ts';
import { listenWebhook, type Webhook } from '../../src/app/webhook.ts';
import { ApiError } from '../../src/discovery/kubernetes/api/api-client.ts';
import { podSchema, type Pod } from '../../src/inject/pod.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { Authority } from '../support/certificates.ts';
import { aMesh } from '../support/mesh-rows.ts';

/** Pods that a real API server and its controllers make, with the MutatingWebhookConfiguration of the chart. */

const programs = await apiServerForTests();
const { helm } = programs ?? {};
const run = promisify(execFile);

interface WebhookEntry {
  readonly clientConfig: { readonly service: { readonly path: string } };
}

describe.skipIf(helm === undefined || programs?.controllerManager === undefined)('pods of a cluster', () => {
  let server: ApiServer;
  let folder: string;
  let webhook: Webhook | undefined;
  const metrics = createMetrics({ version: '1', uptime: () => 0, processMetrics: false });

  beforeAll(async () => {
    server = await ApiServer.start({ programs: programs! });
    folder = await mkdtemp(join(tmpdir(), 'weir-injection-'));
    const write = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const authority = new Authority('webhooks');
    const { key, certificate } = authority.issue('weir', '127.0.0.1');
    const config = readConfig({
      flags: {
        webhook: '127.0.0.1:0',
        webhookKey: await write('key.pem', key),
        webhookCert: await write('certificate.pem', certificate),
        injectImage: 'weir:1',
      },
      environment: {},
    });
    if (config.kind === 'invalid') throw new Error(JSON.stringify(config.problems));
    const { settings } = config;
    const others = { read: aMesh().read, nativeSidecars: () => true, metrics, log: silentLog };
    webhook = await listenWebhook({ settings, ...others });
    const values = 'webhook: { enabled: true }\ninjection: { enabled: true, istioLabels: true }';
    const rendered = parseAllDocuments(await renderChart(helm!, [await write('values.yaml', values)]));
    const configuration = rendered
      .map((document) => document.toJS() as { readonly kind: string; readonly webhooks: readonly WebhookEntry[] })
      .find(({ kind }) => kind === 'MutatingWebhookConfiguration');
    const caBundle = Buffer.from(authority.certificate).toString('base64');
    const webhooks = configuration?.webhooks.map((entry) => {
      const url = `https://${webhook?.address}${entry.clientConfig.service.path}`;
      return { ...entry, clientConfig: { url, caBundle } };
    });
    await apply({ ...configuration, webhooks });
    const namespaces = {
      meshed: { 'weir.dev/injection': 'enabled' },
      istio: { 'istio-injection': 'enabled' },
      other: { 'weir.dev/revision': 'canary', 'weir.dev/injection': 'enabled' },
      plain: {},
    };
    for (const [name, labels] of Object.entries(namespaces)) {
      await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    }
    await apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'kube-system', labels: { 'weir.dev/injection': 'enabled' } },
    });
  });
  afterAll(async () => {
    await server.stop();
    await webhook?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function apply(object: unknown): Promise<string> {
    const running = run(programs?.kubectl ?? '', ['--kubeconfig', server.kubeconfigPath, 'apply', '-f', '-']);
    running.child.stdin?.end(JSON.stringify(object));
    const { stdout, stderr } = await running;
    return stdout + stderr;
  }

  const template = (labels: object = {}, annotations: object = {}) => ({
    metadata: { labels: { app: 'web', ...labels }, annotations },
    spec: { containers: [{ name: 'web', image: 'web', readinessProbe: { httpGet: { path: '/ok', port: 8080 } } }] },
  });

  function deployment(namespace: string, name = 'web', annotations: object = {}) {
    const spec = { selector: { matchLabels: { app: 'web' } }, template: template({}, annotations) };
    return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace }, spec };
  }

  async function itemsAt(path: string): Promise<readonly unknown[]> {
    return ((await server.client.request({ path })).body as { readonly items: readonly unknown[] }).items;
  }

  async function podOf(namespace: string): Promise<Pod> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await expect.poll(async () => (await itemsAt(path)).length, { timeout: 20_000 }).toBeGreaterThan(0);
    return podSchema.parse((await itemsAt(path))[0]);
  }

  const sidecarIn = ({ spec }: Pod) => spec.initContainers?.find(({ name }) => name === 'weir-proxy');

  it('a Deployment in a labelled namespace comes back with the sidecar (kubernetes/K90, kubernetes/K109)', async () => {
    await apply(deployment('meshed'));
    const pod = await podOf('meshed');
    expect(pod.spec.initContainers?.map(({ name }) => name)).toEqual([
      'weir-bootstrap',
      'weir-intercept',
      'weir-proxy',
    ]);
    expect(sidecarIn(pod)).toMatchObject({ image: 'envoyproxy/envoy:v1.40.0', restartPolicy: 'Always' });
    expect(pod.spec.containers[0]?.readinessProbe).toMatchObject({
      httpGet: { path: '/app-health/web/readyz', port: 15_021 },
    });
    expect(pod.metadata?.labels).toMatchObject({ app: 'web', 'security.istio.io/tlsMode': 'istio' });
    expect(await metrics.expose()).toMatch(/^sidecar_injection_success_total [1-9]/m);
  });

  it("and in one with Istio's label, where the chart is told so", async () => {
    await apply(deployment('istio'));
    expect(sidecarIn(await podOf('istio'))).toBeDefined();
  });

  it('reliability/R31: pods of other namespaces, of another revision and of kube-system are not even asked about', async () => {
    const asked = await metrics.expose();
    for (const namespace of ['plain', 'other', 'kube-system']) {
      await apply(deployment(namespace));
      expect((await podOf(namespace)).spec.initContainers).toBeUndefined();
    }
    const count = /^sidecar_injection_requests_total .*$/m;
    expect(count.exec(await metrics.expose())).toEqual(count.exec(asked));
  });

  it('a pod opts in and out by its own label', async () => {
    const make = async (namespace: string, inject: string) => {
      const metadata = { generateName: 'own-', labels: { 'weir.dev/inject': inject } };
      const { spec } = template();
      // Its service account is not made yet in a new namespace.
      const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
      const path = `/api/v1/namespaces/${namespace}/pods`;
      return podSchema.parse(
        (await server.client.request({ method: 'POST', path, body, query: { dryRun: 'All' } })).body,
      );
    };
    expect(sidecarIn(await make('plain', 'true'))).toBeDefined();
    expect(sidecarIn(await make('meshed', 'false'))).toBeUndefined();
  });

  it('an annotation that cannot be is said where the author looks', async () => {
    await apply(deployment('meshed', 'wrong', { 'weir.dev/proxy-cpu': 'much' }));
    const path = '/api/v1/namespaces/meshed/events';
    await expect
      .poll(async () => JSON.stringify(await itemsAt(path)), { timeout: 20_000 })
      .toMatch(/annotation weir\.dev\/proxy-cpu must be a quantity/);
  });

  it('reliability/SC20, reliability/R31: while Weir is away pods of meshed namespaces wait, and all others are made', async () => {
    await webhook?.close();
    await apply(deployment('plain', 'later'));
    const path = '/api/v1/namespaces/plain/pods';
    await expect.poll(async () => (await itemsAt(path)).length, { timeout: 20_000 }).toBe(2);
    const { spec, metadata } = template();
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'waits' }, spec };
    const asked = server.client.request({ method: 'POST', path: '/api/v1/namespaces/meshed/pods', body });
    const refusal = await asked.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ApiError);
    expect(String(refusal)).toMatch(/failed calling webhook "namespace\.injection\.weir\.dev"/);
  });
});
