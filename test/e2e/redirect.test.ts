import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../../deploy/demo/child.ts';
import { EchoService, httpGet, type Echo } from '../../deploy/demo/echo-service.ts';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { redirectBootstrapOf, startWeir, type Weir } from '../../deploy/demo/weir.ts';
import { announceSkip, envoyForTests } from '../support/envoy.ts';
import { NetworkNamespace } from '../support/network-namespace.ts';
import { until } from '../support/test-mesh.ts';

/**
 * Interception as in Kubernetes: the application dials cluster addresses and the kernel brings its connections to the sidecar
 * (xds-protocol/X321). The pod is a network namespace; this test's own process is the world outside it.
 */

const ports = { application: 8080, admin: 15014 };
const node = process.execPath;
const echoProgram = fileURLToPath(new URL('../support/echo-process.ts', import.meta.url));

const envoy = await envoyForTests();
const namespace = envoy === undefined ? undefined : await makeNamespace();

async function makeNamespace(): Promise<NetworkNamespace | undefined> {
  try {
    const made = await NetworkNamespace.create(pid);
    await made.intercept('--exclude-inbound-ports', String(ports.admin));
    return made;
  } catch (error) {
    announceSkip('REDIRECT interception', `no network namespace with redirection here: ${String(error)}`);
    return undefined;
  }
}

describe.skipIf(namespace === undefined)('a pod whose connections are redirected', () => {
  const pod = namespace as NetworkNamespace;
  let scratch: string;
  let backend: EchoService;
  let application: Child;
  let weir: Weir;
  let sidecar: Envoy;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'weir-redirect-'));
    const files = join(scratch, 'mesh');
    await mkdir(files);
    backend = await EchoService.start({ service: 'backend', version: 'v1', instance: 'backend', host: pod.outside });
    await writeFile(join(files, 'mesh.yaml'), meshDocuments(pod, backend.port));
    weir = await startWeir({
      folder: files,
      logFile: join(scratch, 'weir.log'),
      xds: '127.0.0.1:15010',
      // The admin server is asked from outside the namespace.
      admin: `0.0.0.0:${ports.admin}`,
      prefix: pod.sidecarPrefix,
    });
    const [command, ...args] = [...pod.prefix, node, echoProgram, 'app', '0.0.0.0', String(ports.application)];
    application = new Child({ command, args, name: 'app', logFile: join(scratch, 'app.log') });
    await application.line(/listening/);
    const identity = { workload: 'app-1', namespace: 'test', ip: pod.address, xds: weir.xds };
    const bootstrap = await redirectBootstrapOf(identity);
    const logFile = join(scratch, 'envoy.log');
    sidecar = await Envoy.start({ binary: envoy ?? '', bootstrap, name: 'app-1', logFile, prefix: pod.sidecarPrefix });
    await until('the sidecar', async () => (await askAdmin('/ready')).startsWith('LIVE'));
  });
  afterAll(async () => {
    await sidecar?.stop();
    await application?.stop();
    await weir?.child.stop();
    await backend?.stop();
    await pod.remove();
    await rm(scratch, { recursive: true, force: true });
  });

  /** Envoy's admin server listens inside. */
  const askAdmin = (path: string): Promise<string> => pod.run('curl', '--silent', `http://${sidecar.admin}${path}`);
  const curl = (...args: readonly string[]): Promise<string> =>
    pod.runAsApplication('curl', '--silent', '--max-time', '5', ...args);

  it('dials a cluster address and is routed by the rules of its host', async () => {
    const echo = JSON.parse(await curl('--header', 'Host: backend', 'http://10.96.0.10/path')) as Echo;
    expect(echo).toMatchObject({
      service: 'backend',
      path: '/path',
      headers: { host: 'backend', 'x-routed-by': 'weir' },
    });
  });

  it('reaches what the mesh does not know as it dialled it', async () => {
    const echo = JSON.parse(await curl(`http://${pod.outside}:${backend.port}/unknown`)) as Echo;
    expect(echo).toMatchObject({ service: 'backend', path: '/unknown' });
    expect(echo.headers).not.toHaveProperty('x-routed-by');
    expect(await askAdmin('/stats?filter=cluster.PassthroughCluster.upstream_cx_total')).toMatch(/: [1-9]/);
  });

  it('is reached through its sidecar', async () => {
    const answer = await httpGet({ host: pod.address, port: ports.application, path: '/in', headers: { host: 'app' } });
    expect(JSON.parse(answer.body)).toMatchObject({ service: 'app', path: '/in' });
    const stats = await askAdmin(`/stats?filter=cluster.inbound.${ports.application}.*upstream_rq_total`);
    expect(stats).toMatch(/upstream_rq_total: 1\b/);
  });

  it('reaches itself by the address of its service, through its sidecar twice', async () => {
    const echo = JSON.parse(await curl('--header', 'Host: app', 'http://10.96.0.20/self')) as Echo;
    expect(echo).toMatchObject({ service: 'app', path: '/self' });
    const stats = await askAdmin(`/stats?filter=cluster.inbound.${ports.application}.*upstream_rq_total`);
    expect(stats).toMatch(/upstream_rq_total: 2\b/);
  });
});

function meshDocuments({ address, outside }: NetworkNamespace, backendPort: number): string {
  return `apiVersion: v1
kind: Service
metadata: {name: backend, namespace: test}
spec:
  clusterIP: 10.96.0.10
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: backend, namespace: test, labels: {kubernetes.io/service-name: backend}}
addressType: IPv4
ports: [{name: http, port: ${backendPort}}]
endpoints: [{addresses: [${outside}], conditions: {ready: true}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: backend, namespace: test}
spec:
  hosts: [backend]
  http:
  - headers: {request: {set: {x-routed-by: weir}}}
    route: [{destination: {host: backend}}]
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: test}
spec:
  clusterIP: 10.96.0.20
  selector: {app: app}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: app-1, namespace: test, labels: {app: app}}
spec:
  containers: [{name: app, ports: [{name: http, containerPort: ${ports.application}}]}]
status: {podIP: ${address}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app, namespace: test, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{name: http, port: ${ports.application}}]
endpoints: [{addresses: [${address}], conditions: {ready: true}, targetRef: {kind: Pod, name: app-1, namespace: test}}]
`;
}
