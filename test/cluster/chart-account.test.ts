import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { authorityStoreOf } from '../../src/app/authority.ts';
import { chartFolder, namespace, renderChart } from '../../deploy/helm/helm.ts';
import { readState } from '../../src/identity/authority-state.ts';
import { ownName } from '../../src/identity/authority-store.ts';
import { readAuthority, requestRotation, rootsOf } from '../../src/identity/change-state.ts';
import { untilEstablished } from '../../src/cli/install-crds.ts';
import { ownDefinitions } from '../../src/cli/own-definitions.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { kubeconfigOf } from '../support/api-server/keys.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { Authority } from '../support/certificates.ts';

/** Weir as the chart runs it: its settings, and the rights of its account and no others. */

const programs = await apiServerForTests();
const { helm } = programs ?? {};
const launcher = join(import.meta.dirname, '..', '..', 'bin', 'weir');
const run = promisify(execFile);

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** What the account is made of; the rest of the chart would need nodes. */
const paths: Readonly<Record<string, string>> = {
  ServiceAccount: `/api/v1/namespaces/${namespace}/serviceaccounts`,
  ConfigMap: `/api/v1/namespaces/${namespace}/configmaps`,
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  RoleBinding: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  ValidatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
};

const name = 'weir-canary';
const policies = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices';

describe.skipIf(helm === undefined)('Weir with everything that the chart can set', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-account-'));
  const place = (file: string): string => join(folder, file);
  const log: string[] = [];
  let server: ApiServer;
  let weir: ChildProcessByStdio<null, Readable, Readable>;
  let admin = '';
  let xds = '';

  const post = async (path: string, body: unknown) =>
    (await server.client.request({ method: 'POST', path, body })).body;

  beforeAll(async () => {
    server = await ApiServer.start({ programs: programs! });
    for (const each of [namespace, 'shop']) {
      await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: each } });
    }
    for (const definition of ownDefinitions) {
      await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
      await untilEstablished(server.client, definition, AbortSignal.timeout(30_000));
    }
    writeFileSync(place('values.yaml'), 'webhook: { failurePolicy: Ignore }');
    const values = [join(chartFolder, '..', 'all-flags-values.yaml'), place('values.yaml')];
    const objects = parseAllDocuments(await renderChart(helm!, values)).map((each) => each.toJS() as KubernetesObject);
    for (const object of objects) {
      const path = paths[object.kind];
      if (path !== undefined) await post(path, object);
    }
    await post(policies, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web' },
      spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
    });
    await start(objects.find(({ metadata }) => metadata.name === `${name}-settings`)?.data?.['weir.yaml'] ?? '');
  });

  /** With the files and ports of a test in place of those of a pod. */
  async function start(settings: string): Promise<void> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
    const answer = await post(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, request);
    const { token } = (answer as { readonly status: { readonly token: string } }).status;
    const authority = new Authority('mesh');
    const { certificate, key } = authority.issue('weir', `${name}.${namespace}.svc`);
    writeFileSync(place('tls.crt'), certificate);
    writeFileSync(place('tls.key'), key);
    writeFileSync(place('ca.crt'), authority.certificate);
    writeFileSync(place('kubeconfig'), kubeconfigOf(server.url, { ca: server.ca, token }));
    const local = settings.replaceAll(/0\.0\.0\.0:\d+/g, '127.0.0.1:0').replaceAll(/\/etc\/weir\/[a-z]+-tls/g, folder);
    writeFileSync(place('weir.yaml'), `${local}\nkubeconfig: ${place('kubeconfig')}\n`);
    weir = spawn(launcher, ['serve', '--config', place('weir.yaml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: weir.stderr }).on('line', (line) => log.push(line));
    const ready = once(createInterface({ input: weir.stdout }), 'line');
    const [line] = (await Promise.race([ready, once(weir, 'close')])) as [unknown];
    admin = /admin (http:[^\s,]+)/.exec(String(line))?.[1] ?? '';
    xds = /xds (\S+) \(TLS\)/.exec(String(line))?.[1] ?? '';
    if (admin === '') throw new Error(log.join('\n'));
  }

  afterAll(async () => {
    weir.kill('SIGTERM');
    if (weir.exitCode === null) await once(weir, 'close');
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('kubernetes/K96: reads everything that it follows', async () => {
    // As an operator, who finds the token of this account by itself.
    const { stdout } = await run(launcher, ['status', '--admin', admin, '--output', 'json']);
    const status = JSON.parse(stdout) as {
      readonly sources: readonly { readonly freshness: { readonly state: string } | string }[];
      readonly problems: readonly unknown[];
    };
    expect(status.problems).toEqual([]);
    expect(status.sources.map(({ freshness }) => freshness)).toEqual(status.sources.map(() => 'synced'));
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toContain('pilot_virt_services 1');
  });

  /** Asks again and again, because what it asks for is written some time after the start. */
  async function eventually<Value>(
    path: string,
    read: (object: Readonly<Record<string, unknown>>) => Value | undefined,
  ) {
    const end = Date.now() + 20_000;
    for (;;) {
      const { body } = await server.client.request({ path });
      const value = read(body as Readonly<Record<string, unknown>>);
      if (value !== undefined) return value;
      if (Date.now() > end) throw new Error(`${path}: ${JSON.stringify(body)}\n${log.join('\n')}`);
      await delay(100);
    }
  }

  it('kubernetes/K98: writes status by the lease that is its own', async () => {
    const status = await eventually(`${policies}/web`, (object) => object['status']);
    expect(status).toMatchObject({
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Accepted', status: 'True' })]) as unknown,
    });
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}-status`;
    expect((await server.client.request({ path: lease })).body).toMatchObject({ spec: { leaseDurationSeconds: 15 } });
  });

  it('kubernetes/K99: puts the authority of its certificate into the configuration of its webhook', async () => {
    const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}-${namespace}`;
    const bundle = await eventually(path, ({ webhooks }) => {
      const [{ clientConfig }] = webhooks as readonly [{ readonly clientConfig: { readonly caBundle?: string } }];
      return clientConfig.caBundle;
    });
    expect(Buffer.from(bundle, 'base64').toString().trim()).toBe(readFileSync(place('ca.crt'), 'utf8').trim());
  });

  it('serves xDS by the authority of the mesh, for the names of its Service', async () => {
    const caSecret = { namespace, name: `${name}-ca` };
    const ca = await rootsOf(authorityStoreOf({ caDir: undefined, caSecret }, server.client)!);
    for (const servername of [
      `${name}.${namespace}.svc`,
      `${name}.${namespace}.svc.cluster.local`,
      'weir.example.com',
    ]) {
      const [host = '', port = ''] = xds.split(':');
      const socket = connect({ host, port: Number(port), servername, ca, ALPNProtocols: ['h2'] });
      await once(socket, 'secureConnect');
      expect(socket.authorized).toBe(true);
      socket.destroy();
    }
  });

  it('makes the root of the mesh in a Secret, and replaces it there when it is told to', async () => {
    const caSecret = { namespace, name: `${name}-ca` };
    const store = authorityStoreOf({ caDir: undefined, caSecret }, server.client);
    if (store === undefined) throw new Error('there is no store');
    expect((await readAuthority(store)).state.authority?.rotation.kind).toBe('steady');
    expect(await requestRotation(store)).toBe(true);
    const adding = await eventually(`/api/v1/namespaces/${namespace}/secrets/${name}-ca`, ({ data }) => {
      const { [ownName]: text = '' } = data as Readonly<Record<string, string>>;
      const { authority } = readState(Buffer.from(text, 'base64').toString());
      return authority?.rotation.kind === 'adding' ? authority : undefined;
    });
    expect(adding.roots).toHaveLength(2);
  });

  it('istio-compat/I36: tells every namespace the roots of the mesh, and again where somebody takes them away', async () => {
    const caSecret = { namespace, name: `${name}-ca` };
    const store = authorityStoreOf({ caDir: undefined, caSecret }, server.client);
    if (store === undefined) throw new Error('there is no store');
    const roots = (await readAuthority(store)).state.authority?.roots.length;
    const uids: unknown[] = [];
    for (const each of ['shop', 'kube-system', 'shop']) {
      const path = `/api/v1/namespaces/${each}/configmaps`;
      const found = await eventually(path, ({ items }) =>
        (items as readonly KubernetesObject[]).find(
          ({ metadata: { name: own }, data }) =>
            own === 'istio-ca-root-cert' && data?.['root-cert.pem']?.match(/BEGIN CERTIFICATE/g)?.length === roots,
        ),
      );
      const { uid } = found.metadata as { readonly uid?: string };
      expect(found.metadata).toMatchObject({ labels: { 'istio.io/config': 'true' } });
      expect(uids).not.toContain(uid);
      uids.push(uid);
      await server.client.request({ method: 'DELETE', path: `${path}/istio-ca-root-cert` });
    }
    const { body } = await server.client.request({ path: '/api/v1/namespaces/kube-public/configmaps' });
    expect(
      (body as { readonly items: readonly KubernetesObject[] }).items.map(({ metadata }) => metadata.name),
    ).not.toContain('istio-ca-root-cert');
  });

  it('is refused nothing', () => {
    expect(log.filter((line) => /forbidden|Weir may not|"status":403/.test(line))).toEqual([]);
  });
});
