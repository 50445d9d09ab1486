import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { Child } from '../../deploy/demo/child.ts';
import { httpGet, type Echo } from '../../deploy/demo/echo-service.ts';
import { startWeir, type Weir } from '../../deploy/demo/weir.ts';
import { podSchema } from '../../src/inject/pod.ts';
import { Authority } from '../support/certificates.ts';
import { announceSkip, envoyForTests } from '../support/envoy.ts';
import { NetworkNamespace } from '../support/network-namespace.ts';
import { runSidecar, weirProgram } from '../support/pod-runner.ts';
import { until } from '../support/test-mesh.ts';

/**
 * Two pods as `weir inject` makes them. The containers that it adds run as processes, with the arguments, the files and the rights that the
 * pod names, each pod in a network namespace of its own; nothing else is between the applications. This test's own process is the node.
 */

const echoProgram = fileURLToPath(new URL('../support/echo-process.ts', import.meta.url));
const ports = { application: 8080, status: 15_021 };

const envoy = await envoyForTests();
const networks = envoy === undefined ? undefined : await makeNetworks();

async function makeNetworks(): Promise<readonly [NetworkNamespace, NetworkNamespace] | undefined> {
  try {
    const client = await NetworkNamespace.create(pid + 2);
    const server = await NetworkNamespace.create(pid + 3);
    await client.connect(server);
    return [client, server];
  } catch (error) {
    announceSkip('injected pods', `no network namespaces here: ${String(error)}`);
    return undefined;
  }
}

describe.skipIf(networks === undefined)('two injected pods', { timeout: 60_000 }, () => {
  const [client, server] = networks as readonly [NetworkNamespace, NetworkNamespace];
  const authority = new Authority('root');
  const children: Child[] = [];
  let folder: string;
  let weir: Weir;
  let tls: Server;
  let application: Child;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-injected-'));
    await mkdir(join(folder, 'mesh'));
    await writeFile(join(folder, 'mesh', 'mesh.yaml'), meshDocuments());
    weir = await startWeir({ folder: join(folder, 'mesh'), logFile: join(folder, 'weir.log') });
    tls = await serveTls(weir.xds);
    application = await startEcho();
    await startPod('client', client);
    await startPod('server', server);
    for (const network of [client, server]) {
      await until('the sidecar', async () => (await probe(network, '/healthz/ready')) === 200);
    }
  }, 60_000);
  afterAll(async () => {
    for (const child of children.toReversed()) await child.stop();
    await weir?.child.stop();
    tls?.close();
    for (const network of [client, server]) await network.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** In front of the plaintext of Weir, on the cables to the pods. */
  async function serveTls(xds: string): Promise<Server> {
    const { certificate, key } = authority.issue('weir', client.outside, server.outside);
    const [host = '', port = ''] = xds.split(':');
    const relay = createTlsServer({ key, cert: certificate, ALPNProtocols: ['h2'] }, (socket) => {
      const upstream = connectTcp(Number(port), host);
      for (const end of [socket, upstream]) end.on('error', () => [socket, upstream].forEach((each) => each.destroy()));
      socket.pipe(upstream).pipe(socket);
    });
    relay.listen(0);
    await once(relay, 'listening');
    return relay;
  }

  async function startEcho(): Promise<Child> {
    const command = [...server.applicationPrefix, process.execPath, echoProgram];
    const [program, ...args] = [...command, 'server', '0.0.0.0', String(ports.application)];
    const child = new Child({ command: program, args, name: 'server', logFile: join(folder, 'server.log') });
    children.push(child);
    await child.line(/listening/);
    return child;
  }

  async function startPod(name: string, network: NetworkNamespace): Promise<void> {
    const root = join(folder, name);
    await mkdir(root);
    const file = join(root, 'pod.yaml');
    await writeFile(file, podDocument(name));
    const xds = `${network.outside}:${(tls.address() as AddressInfo).port}`;
    const { stdout } = await promisify(execFile)(weirProgram, ['inject', '-f', file, '--xds', xds]);
    const pod = podSchema.parse(parseDocument(stdout).toJS());
    const volumes = { 'weir-token': { token: 'a token' }, 'weir-root': { 'root-cert.pem': authority.certificate } };
    const programs = { envoy: envoy ?? '' };
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

  it('speak with each other through both sidecars, which nothing but their containers set up', async () => {
    const curl = ['--silent', '--max-time', '5', '--header', 'Host: server', 'http://10.96.0.10/hello'];
    const echo = JSON.parse(await client.runAsApplication('curl', ...curl)) as Echo;
    expect(echo).toMatchObject({ service: 'server', path: '/hello' });
    expect(await statsOf(client, 'outbound.80..server.shop.svc.cluster.local.upstream_rq_200')).toMatch(/: 1\b/);
    expect(await statsOf(server, 'inbound.8080.*upstream_rq_200')).toMatch(/: 1\b/);
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
  containers:
  - name: ${name}
    image: ${name}
    livenessProbe: {httpGet: {path: /alive, port: ${port}}}
    readinessProbe: {tcpSocket: {port: ${port}}}
    startupProbe: {grpc: {port: 9000}}
`;
  }

  function meshDocuments(): string {
    const port = ports.application;
    return `apiVersion: v1
kind: Service
metadata: {name: server, namespace: shop}
spec: {clusterIP: 10.96.0.10, selector: {app: server}, ports: [{name: http, port: 80, targetPort: ${port}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: shop, labels: {app: server}}
spec: {containers: [{name: server, ports: [{containerPort: ${port}}]}]}
status: {podIP: ${server.address}}
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
