import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { Child } from '../../deploy/demo/child.ts';
import { httpGet, type Echo } from '../../deploy/demo/echo-service.ts';
import { podSchema, type Pod } from '../../src/inject/pod.ts';
import { announceSkip, envoyForTests } from '../support/envoy.ts';
import { NetworkNamespace } from '../support/network-namespace.ts';
import { runSidecar, weirProgram } from '../support/pod-runner.ts';
import { until } from '../support/test-mesh.ts';

/**
 * Two pods as `weir inject` makes them, and Weir in a third, with an authority of its own. The containers that injection adds run as
 * processes, with the arguments, the files and the rights that the pod names, each pod in a network namespace of its own; nothing else is
 * between the applications. This test's own process is the node, and what an API server is to pods: it gives them their uids and tokens.
 */

const echoProgram = fileURLToPath(new URL('../support/echo-process.ts', import.meta.url));
const ports = { application: 8080, status: 15_021, xds: 15_012 };
const run = promisify(execFile);

const envoy = await envoyForTests();
const networks = envoy === undefined ? undefined : await makeNetworks();

async function makeNetworks(): Promise<
  Readonly<Record<'client' | 'server' | 'control', NetworkNamespace>> | undefined
> {
  try {
    const client = await NetworkNamespace.create(pid + 2);
    const server = await NetworkNamespace.create(pid + 3);
    const control = await NetworkNamespace.create(pid + 4);
    await client.connect(server);
    await client.connect(control);
    await server.connect(control);
    return { client, server, control };
  } catch (error) {
    announceSkip('injected pods', `no network namespaces here: ${String(error)}`);
    return undefined;
  }
}

/** A pod that an API server has taken: it has a uid, and its token names that. */
interface KnownPod {
  readonly pod: Pod;
  readonly name: string;
  readonly uid: string;
  readonly network: NetworkNamespace;
}

describe.skipIf(networks === undefined)('two injected pods', { timeout: 60_000 }, () => {
  const { client, server, control } = networks!;
  const children: Child[] = [];
  let folder: string;
  let application: Child;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-injected-'));
    const pods = [await inject('client', client), await inject('server', server)];
    await mkdir(join(folder, 'mesh'));
    await writeFile(join(folder, 'mesh', 'mesh.yaml'), meshDocuments());
    for (const known of pods) await writeFile(join(folder, 'mesh', `${known.name}.json`), podObject(known));
    const tokens = [];
    for (const known of pods) tokens.push(await tokenOf(known));
    await startWeir();
    application = await startEcho();
    for (const [index, known] of pods.entries()) await startPod(known, tokens[index] ?? '');
    for (const network of [client, server]) {
      await until('the sidecar', async () => (await probe(network, '/healthz/ready')) === 200);
    }
  }, 60_000);
  afterAll(async () => {
    for (const child of children.toReversed()) await child.stop();
    for (const network of [client, server, control]) await network.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const authority = (): readonly string[] => ['--ca-dir', join(folder, 'authority')];

  async function inject(name: string, network: NetworkNamespace): Promise<KnownPod> {
    await mkdir(join(folder, name));
    const file = join(folder, name, 'pod.yaml');
    await writeFile(file, podDocument(name));
    const { stdout } = await run(weirProgram, ['inject', '-f', file, '--xds', `${control.address}:${ports.xds}`]);
    return { pod: podSchema.parse(parseDocument(stdout).toJS()), name, uid: randomUUID(), network };
  }

  async function tokenOf({ name, uid }: KnownPod): Promise<string> {
    const subject = ['--namespace', 'shop', '--service-account', name, '--instance', uid];
    return (await run(weirProgram, ['token', ...authority(), ...subject])).stdout.trim();
  }

  /** Weir in a pod of its own, without a plaintext port. */
  async function startWeir(): Promise<void> {
    const listeners = ['--xds-tls', `${control.address}:${ports.xds}`, '--admin', '127.0.0.1:0'];
    const serve = ['serve', '--files', join(folder, 'mesh'), ...authority(), '--xds-tls-names', control.address];
    const [command = '', ...args] = [...control.prefix, weirProgram, ...serve, ...listeners];
    const child = new Child({ command, args, name: 'weir', logFile: join(folder, 'weir.log') });
    children.push(child);
    await child.line(/weir ready/);
  }

  async function startEcho(): Promise<Child> {
    const command = [...server.applicationPrefix, process.execPath, echoProgram];
    const [program, ...args] = [...command, 'server', '0.0.0.0', String(ports.application)];
    const child = new Child({ command: program, args, name: 'server', logFile: join(folder, 'server.log') });
    children.push(child);
    await child.line(/listening/);
    return child;
  }

  async function startPod({ pod, name, network }: KnownPod, token: string): Promise<void> {
    const { stdout: roots } = await run(weirProgram, ['ca', 'roots', ...authority()]);
    const volumes = { 'weir-token': { token }, 'weir-root': { 'root-cert.pem': roots } };
    const programs = { envoy: envoy ?? '' };
    const root = join(folder, name);
    children.push(await runSidecar({ pod, name, namespace: 'shop', network, folder: root, volumes, programs }));
  }

  /** As a node asks: from outside, without a certificate. */
  async function probe(network: NetworkNamespace, path: string): Promise<number> {
    try {
      return (await fetch(`http://${network.address}:${ports.status}${path}`)).status;
    } catch {
      return 0;
    }
  }

  const statsOf = async (network: NetworkNamespace, filter: string): Promise<string> =>
    network.run('curl', '--silent', `http://127.0.0.1:15000/stats?filter=${filter}`);

  it('policy/P331: speak mutual TLS with each other, which nothing but their containers set up', async () => {
    const curl = ['--silent', '--max-time', '5', '--header', 'Host: server', 'http://10.96.0.10/hello'];
    const echo = JSON.parse(await client.runAsApplication('curl', ...curl)) as Echo;
    expect(echo).toMatchObject({ service: 'server', path: '/hello' });
    const certificate = String(echo.headers['x-forwarded-client-cert']);
    expect(certificate).toContain('By=spiffe://cluster.local/ns/shop/sa/server;');
    expect(certificate).toContain('URI=spiffe://cluster.local/ns/shop/sa/client');
    expect(await statsOf(client, 'outbound.80..server.shop.svc.cluster.local.upstream_rq_200')).toMatch(/: 1\b/);
    expect(await statsOf(client, 'outbound.80..server.shop.svc.cluster.local.*ssl.handshake')).toMatch(/: 1\b/);
    expect(await statsOf(server, 'inbound.8080.*upstream_rq_200')).toMatch(/: 1\b/);
    expect(await statsOf(server, 'listener.*15006.*ssl.handshake')).toMatch(/: 1\b/);
  });

  it.each([
    ['in the clear', 'http'],
    ['by TLS without a certificate', 'https'],
  ])('policy/P331: turn away who calls %s, from the node and past a sidecar', async (_, scheme) => {
    const url = `${scheme}://${server.address}:${ports.application}/hello`;
    const curl = ['curl', '--silent', '--insecure', '--max-time', '5', url];
    const received = await statsOf(server, 'inbound.8080.*upstream_rq_total');
    for (const prefix of [[], client.sidecarPrefix]) {
      const [program = '', ...args] = [...prefix, ...curl];
      await expect(run(program, args)).rejects.toMatchObject({ stdout: '' });
    }
    expect(await statsOf(server, 'inbound.8080.*upstream_rq_total')).toBe(received);
  });

  it('kubernetes/K112, policy/P349: are probed at the port of the sidecar, which no rule of mTLS closes', async () => {
    expect(await probe(server, '/app-health/server/livez')).toBe(200);
    expect(await probe(server, '/app-health/server/readyz')).toBe(200);
    expect(await probe(server, '/app-health/server/startupz')).toBe(503);
    expect(await probe(server, '/stats')).toBe(404);
    const direct = await httpGet({
      host: server.address,
      port: ports.status,
      path: '/app-health/server/livez',
      headers: {},
    });
    expect(JSON.parse(direct.body)).toMatchObject({ service: 'server', path: '/alive' });
    // Once the application has gone the node hears of it, by either kind of check.
    await application.stop();
    await until('the probes fail', async () => {
      const answers = await Promise.all(['livez', 'readyz'].map((path) => probe(server, `/app-health/server/${path}`)));
      return answers.every((status) => status === 503);
    });
  });

  function podDocument(name: string): string {
    const port = ports.application;
    return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}
spec:
  serviceAccountName: ${name}
  containers:
  - name: ${name}
    image: ${name}
    ports: [{containerPort: ${port}}]
    livenessProbe: {httpGet: {path: /alive, port: ${port}}}
    readinessProbe: {tcpSocket: {port: ${port}}}
    startupProbe: {grpc: {port: 9000}}
`;
  }

  function podObject({ pod, uid, network }: KnownPod): string {
    return JSON.stringify({ ...pod, metadata: { ...pod.metadata, uid }, status: { podIP: network.address } });
  }

  function meshDocuments(): string {
    const port = ports.application;
    return `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: shop}
spec: {clusterIP: 10.96.0.10, selector: {app: server}, ports: [{name: http, port: 80, targetPort: ${port}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: server, namespace: shop, labels: {kubernetes.io/service-name: server}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: [${server.address}], conditions: {ready: true}, targetRef: {kind: Pod, name: server, namespace: shop}}]
`;
  }
});
