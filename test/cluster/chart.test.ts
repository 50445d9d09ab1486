import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { chartFolder, lintChart, namespace, renderChart } from '../../deploy/helm/helm.ts';
import { manifestsFile, plainManifests } from '../../deploy/manifests/manifests.ts';
import { readConfig } from '../../src/app/config.ts';
import { untilEstablished } from '../../src/cli/install-crds.ts';
import { ownDefinitions } from '../../src/cli/own-definitions.ts';
import { ApiError, type ApiClient } from '../../src/discovery/kubernetes/api/api-client.ts';
import {
  basicKinds,
  definedKinds,
  definitionResource,
  meshConfigMapKind,
  podKind,
} from '../../src/discovery/kubernetes/followed-kinds.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { createTestClient } from '../support/api-server/test-client.ts';
import { announceSkip } from '../support/envoy.ts';

/** What the chart makes, as a real API server takes it. */

const programs = await apiServerForTests();
const { helm, kubectl } = programs ?? {};
if (programs !== undefined && (helm === undefined || kubectl === undefined))
  announceSkip('tests of the Helm chart', 'there is no helm, or no kubectl, beside the API server');

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'weir-chart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const allFlags = join(chartFolder, '..', 'all-flags-values.yaml');
const valueFiles = {
  'its default values': [],
  'the values for high availability': [join(chartFolder, 'values-ha.yaml')],
  'every flag set': [allFlags],
} as const;

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

function objectsIn(yaml: string): readonly KubernetesObject[] {
  return parseAllDocuments(yaml).map((document) => document.toJS() as KubernetesObject);
}

describe.skipIf(helm === undefined)('the chart', () => {
  it('is what Helm calls good', async () => {
    await lintChart(helm!);
  });

  it('gives the plain manifests (`npm run chart` writes them)', async () => {
    expect(readFileSync(manifestsFile, 'utf8')).toBe(plainManifests(await renderChart(helm!)));
  });

  it.each(Object.entries(valueFiles))('writes settings that the program takes, with %s', async (_, files) => {
    const settings = objectsIn(await renderChart(helm!, files)).find(({ metadata }) =>
      metadata.name.endsWith('-settings'),
    );
    const { 'weir.yaml': text = '' } = (settings?.['data'] ?? {}) as { readonly 'weir.yaml'?: string };
    const result = readConfig({ flags: { config: 'weir.yaml' }, environment: {}, readFile: () => text });
    expect(result).toMatchObject({
      kind: 'valid',
      settings: { kubernetes: true, admin: { port: 15_014 }, xdsTls: { port: 15_012 } },
    });
  });

  const settingsWith = async (name: string, values: string) => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, values);
    const settings = objectsIn(await renderChart(helm!, [file])).find(({ metadata }) =>
      metadata.name.endsWith('-settings'),
    );
    const { 'weir.yaml': text = '' } = (settings?.['data'] ?? {}) as { readonly 'weir.yaml'?: string };
    return parse(text) as Readonly<Record<string, unknown>>;
  };

  it('serves xDS by the authority of the mesh under the name that sidecars dial, or by files', async () => {
    const webhook = 'webhook: { enabled: true }\ninjection: { enabled: true }\n';
    const own = await settingsWith(
      'own',
      `${webhook}xds: { tls: { names: [weir.example.com] } }\nsettings: { domain: example.org }`,
    );
    const service = `weir.${namespace}.svc`;
    expect(own).toMatchObject({
      xdsTls: '0.0.0.0:15012',
      xdsTlsNames: [service, `${service}.example.org`, 'weir.example.com'],
      injectXds: `${service}:15012`,
    });
    expect(own).not.toHaveProperty('xdsTlsCert');
    const files = await settingsWith('files', 'xds: { tls: { secretName: weir-xds-tls } }');
    expect(files).toMatchObject({ xdsTls: '0.0.0.0:15012', xdsTlsCert: '/etc/weir/xds-tls/tls.crt' });
    expect(files).not.toHaveProperty('xdsTlsNames');
    expect(await settingsWith('none', 'ca: { enabled: false }')).not.toHaveProperty('xdsTls');
  });

  it.each([
    ['a value', 'replica: 3'],
    ['a setting', 'settings: { logLevl: debug }'],
    ['a setting that the chart makes', 'settings: { admin: 127.0.0.1:1 }'],
    ['a digest', 'image: { digest: latest }'],
  ])('does not take %s that is wrong', async (what, values) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.yaml`);
    writeFileSync(file, values);
    await expect(renderChart(helm!, [file])).rejects.toThrow('values don');
  });

  it('kubernetes/K106: runs two replicas that give way to as many new ones, and three where zones may be lost', async () => {
    const objects = objectsIn(await renderChart(helm!));
    expect(objects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['PodDisruptionBudget', 'NetworkPolicy']));
    expect(objects.find(({ kind }) => kind === 'Deployment')?.['spec']).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxSurge: '100%', maxUnavailable: '25%' } },
      template: {
        spec: {
          priorityClassName: 'system-cluster-critical',
          terminationGracePeriodSeconds: 45,
          topologySpreadConstraints: [
            { topologyKey: 'topology.kubernetes.io/zone' },
            { topologyKey: 'kubernetes.io/hostname' },
          ],
          containers: [
            {
              lifecycle: { preStop: { sleep: { seconds: 5 } } },
              readinessProbe: { httpGet: { path: '/ready', port: 'http-metrics' } },
            },
          ],
        },
      },
    });
    const available = objectsIn(await renderChart(helm!, valueFiles['the values for high availability']));
    expect(available.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.['spec']).toMatchObject({
      minReplicas: 3,
      metrics: [{ resource: { name: 'cpu' } }],
    });
    expect(available.find(({ kind }) => kind === 'Deployment')?.['spec']).not.toHaveProperty('replicas');
  });

  it('kubernetes/K106: lets in whoever asks for xDS or a review, and to the admin server its own pods alone', async () => {
    const values = join(folder, 'webhook.yaml');
    writeFileSync(values, 'webhook: { enabled: true }');
    const policy = objectsIn(await renderChart(helm!, [values])).find(({ kind }) => kind === 'NetworkPolicy');
    const { ingress, egress } = policy!['spec'] as {
      readonly ingress: readonly {
        readonly ports: readonly [{ readonly port: string }];
        readonly from?: readonly object[];
      }[];
      readonly egress: readonly { readonly ports: readonly { readonly port: number }[] }[];
    };
    const own = { podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'weir' } } };
    expect(ingress.map(({ ports: [{ port }], from }) => [port, from])).toEqual([
      ['grpc-xds', undefined],
      ['https-webhook', undefined],
      ['http-metrics', [own]],
    ]);
    expect(egress.flatMap((rule) => rule.ports.map(({ port }) => port))).toEqual([443, 6443, 53, 53]);
  });
});

const tooManyRequests = 429;

/** Of the Prometheus operator, as far as an API server has to know it. */
function monitoringDefinition(kind: string) {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { kind, plural },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

describe.skipIf(helm === undefined || kubectl === undefined)('the objects of the chart on a real API server', () => {
  let server: ApiServer;

  beforeAll(async () => {
    server = await ApiServer.start({ programs: programs! });
    await post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    const metadata = { name: 'tester' };
    await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
    });
    const definitions = [...ownDefinitions, ...['ServiceMonitor', 'PrometheusRule'].map(monitoringDefinition)];
    for (const definition of definitions) {
      await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
      await untilEstablished(server.client, definition, AbortSignal.timeout(30_000));
    }
  });
  afterAll(() => server.stop());

  const post = (path: string, body: unknown) => server.client.request({ method: 'POST', path, body });

  async function kubectlRun(args: readonly string[], input = ''): Promise<string> {
    const running = run(kubectl!, ['--kubeconfig', server.kubeconfigPath, ...args]);
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  it.each(Object.entries(valueFiles))('kubernetes/K118: are taken with %s', async (_, files) => {
    const rendered = await renderChart(helm!, files);
    const said = await kubectlRun(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], rendered);
    expect(
      said
        .trim()
        .split('\n')
        .filter((line) => !line.endsWith(' (server dry run)')),
    ).toEqual([]);
    expect(said.trim().split('\n')).toHaveLength(objectsIn(rendered).length);
  });

  it('are taken as plain manifests', async () => {
    const said = await kubectlRun(['apply', '--server-side', '--dry-run=server', '-f', manifestsFile]);
    expect(said).toContain('deployment.apps/weir serverside-applied (server dry run)');
  });

  it('kubernetes/K120: make pods that a namespace of restricted pod security admits', async () => {
    for (const files of Object.values(valueFiles)) {
      const objects = objectsIn(await renderChart(helm!, files));
      const deployment = objects.find(({ kind }) => kind === 'Deployment')?.['spec'] as DeploymentSpec | undefined;
      const spec = deployment?.template.spec;
      expect(spec).toMatchObject({
        securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            resources: {
              requests: { cpu: expect.any(String) as unknown },
              limits: { memory: expect.any(String) as unknown },
            },
          },
        ],
      });
      const asTester = { ...spec, serviceAccountName: 'tester' };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'weir' }, spec: asTester };
      const query = { dryRun: 'All' };
      await server.client.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, query, body: pod });
    }
  });

  describe('the account', () => {
    let account: ApiClient;

    beforeAll(async () => {
      await kubectlRun(['apply', '--server-side', '-f', manifestsFile]);
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/weir/token`;
      const { body } = await post(path, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      });
      const { token } = (body as { readonly status: { readonly token: string } }).status;
      account = createTestClient(server.url, { ca: server.ca, token });
    });
    afterAll(() => account.close());

    /** Status of the answer to a list, and to a watch from there on. */
    async function follow(path: string, query: Readonly<Record<string, string>>): Promise<string> {
      const ended = new AbortController();
      try {
        await account.request({ path, query });
        await account.lines({ path, query: { ...query, watch: 'true', timeoutSeconds: '1' } }, ended.signal);
        return 'followed';
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status !== tooManyRequests) return `${error.status} ${error.message}`;
        // Of a kind that has just been defined it says for a moment that it is not ready yet.
        await delay(error.retryAfterMs ?? 100);
        return await follow(path, query);
      } finally {
        ended.abort();
      }
    }

    const everywhere = [...basicKinds, podKind, ...definedKinds].map(
      ({ group, versions: [version], plural, fieldSelector }) => ({ group, version, plural, fieldSelector }),
    );

    it.each([...everywhere, { ...definitionResource, fieldSelector: undefined }])(
      'kubernetes/K96: may follow $plural',
      async ({ group, version, plural, fieldSelector }) => {
        const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
        const query = fieldSelector === undefined ? {} : { fieldSelector };
        expect(await follow(`${root}/${plural}`, query)).toBe('followed');
      },
    );

    it('may follow the settings of the mesh, and no other ConfigMap', async () => {
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const { fieldSelector = '' } = meshConfigMapKind('istio');
      expect(await follow(path, { fieldSelector })).toBe('followed');
      expect(await follow(path, {})).toMatch(/^403 /);
      expect(await follow('/api/v1/namespaces/default/configmaps', { fieldSelector })).toMatch(/^403 /);
    });

    it('kubernetes/K98: may write status, its lease, the Secret of its authority, the roots in every namespace, and nothing else', async () => {
      const { body } = await account.request({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
      });
      const { resourceRules } = (body as { readonly status: { readonly resourceRules: readonly Rule[] } }).status;
      const reading = new Set(['list', 'watch', 'get']);
      const writing = resourceRules
        .filter(({ apiGroups, verbs }) => !isForEverybody(apiGroups) && verbs.some((verb) => !reading.has(verb)))
        .map(
          ({ verbs, resources, resourceNames = [] }) =>
            `${verbs.join(',')} ${resources.join(',')} ${resourceNames.join(',')}`,
        );
      expect(writing.toSorted()).toEqual([
        'create leases ',
        // A role cannot say under which name it lets create.
        'create secrets ',
        'get,patch secrets weir-ca',
        'get,update leases weir-status',
        'list,watch,create,patch configmaps istio-ca-root-cert',
        'patch peerauthentications/status,requestauthentications/status,authorizationpolicies/status ',
        'patch virtualservices/status,destinationrules/status,serviceentries/status,workloadentries/status ',
      ]);
      const secrets = resourceRules.filter(({ resources }) =>
        resources.some((name) => name === 'secrets' || name === '*'),
      );
      expect(secrets.map(({ verbs, resourceNames = [] }) => [...verbs, ...resourceNames])).toEqual(
        expect.arrayContaining([['get', 'patch', 'weir-ca'], ['create']]),
      );
      expect(secrets).toHaveLength(2);
    });
  });
});

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Who may ask what it may do, and who it is: every user. */
function isForEverybody(groups: readonly string[]): boolean {
  return groups.every((group) => group === 'authorization.k8s.io' || group === 'authentication.k8s.io');
}

interface DeploymentSpec {
  readonly template: { readonly spec: object };
}
