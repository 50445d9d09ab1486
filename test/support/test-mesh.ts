import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EchoService, httpGet, type Answer, type Echo } from '../../deploy/demo/echo-service.ts';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { reservePorts } from '../../deploy/demo/mesh.ts';
import { bootstrapOf, deliveryOf, startWeir, statusOf, type Weir } from '../../deploy/demo/weir.ts';
import type { StatusReport } from '../../src/admin/status-report.ts';

/** A mesh of real processes for end-to-end tests: `weir serve` on a folder of YAML, echo services, an Envoy beside each pod. */

export interface PodSpec {
  readonly name: string;
  readonly app: string;
  readonly version: string;
  /** In 127.0.0.0/8, its own. */
  readonly address: string;
}

export interface RunningPod extends PodSpec {
  readonly service: EchoService;
  readonly sidecar: Envoy;
  readonly proxyPort: number;
}

/** Milliseconds after which waiting is given up. */
const deadline = 15_000;
/** Milliseconds between looks where there is no event to wait for. */
const lookInterval = 20;

export class TestMesh {
  readonly files: string;
  readonly pods = new Map<string, RunningPod>();
  weir: Weir;
  readonly #scratch: string;
  readonly #envoy: string;
  readonly #flags: readonly string[];
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(scratch: string, envoy: string, weir: Weir, flags: readonly string[]) {
    this.#scratch = scratch;
    this.files = join(scratch, 'mesh');
    this.#envoy = envoy;
    this.weir = weir;
    this.#flags = flags;
  }

  /**
   * @param envoy path of the binary
   * @param documents file name -> YAML that is there when Weir starts
   * @param flags further ones of `weir serve`
   */
  static async start(
    envoy: string,
    pods: readonly PodSpec[],
    documents: Readonly<Record<string, string>>,
    flags: readonly string[] = [],
  ): Promise<TestMesh> {
    const scratch = await mkdtemp(join(tmpdir(), 'weir-e2e-'));
    const files = join(scratch, 'mesh');
    await mkdir(files);
    await Promise.all(Object.entries(documents).map(([name, text]) => writeFile(join(files, name), text)));
    const weir = await startWeir({ folder: files, logFile: join(scratch, 'weir.log'), flags });
    const mesh = new TestMesh(scratch, envoy, weir, flags);
    try {
      await mesh.startPods(pods);
      return mesh;
    } catch (error) {
      await mesh.stop();
      throw error;
    }
  }

  /** @param beforeSidecar called with the port of each service before anything listens on it at the pod's address */
  async startPods(pods: readonly PodSpec[], beforeSidecar?: (port: number) => Promise<void>): Promise<void> {
    const services = await Promise.all(
      pods.map(({ app, version, name }) => EchoService.start({ service: app, version, instance: name })),
    );
    for (const { port } of services) await beforeSidecar?.(port);
    await Promise.all(
      pods.map((pod, index) => this.write(`${pod.name}.yaml`, podDocuments(pod, services[index]?.port ?? 0))),
    );
    const { ports, release } = await reservePorts(pods.length);
    await release();
    await Promise.all(
      pods.map(async (pod, index) => {
        const [service, proxyPort] = [services[index] as EchoService, ports[index] ?? 0];
        const sidecar = await this.#startSidecar(pod, proxyPort);
        this.pods.set(pod.name, { ...pod, service, sidecar, proxyPort });
        await sidecar.ready(AbortSignal.timeout(deadline));
      }),
    );
  }

  pod(name: string): RunningPod {
    const pod = this.pods.get(name);
    if (pod === undefined) throw new Error(`there is no pod ${name}`);
    return pod;
  }

  read(name: string): Promise<string> {
    return readFile(join(this.files, name), 'utf8');
  }

  /** Writes a file of the mesh as an editor does. */
  async write(name: string, text: string): Promise<void> {
    const unsaved = join(this.#scratch, name);
    await writeFile(unsaved, text);
    await rename(unsaved, join(this.files, name));
  }

  /** Writes a file and waits until what it changes for the sidecars was acknowledged by all of them. */
  async apply(name: string, text: string): Promise<void> {
    const before = await deliveryOf(this.weir);
    await this.write(name, text);
    await until('the change to be acknowledged', async () => {
      const { version, isPending } = await deliveryOf(this.weir);
      return version !== before.version && !isPending;
    });
  }

  status(): Promise<StatusReport> {
    return statusOf(this.weir);
  }

  /** One request of a pod's application through its sidecar. */
  async ask(
    from: string,
    url: string,
    options: { readonly method?: string; readonly headers?: OutgoingHttpHeaders } = {},
  ) {
    const { proxyPort } = this.pod(from);
    const headers = { host: new URL(url).host, ...options.headers } as Readonly<Record<string, string>>;
    const { method = 'GET' } = options;
    return httpGet({ host: '127.0.0.1', port: proxyPort, path: url, method, headers, agent: this.#agent });
  }

  /** Ends Weir as a crash would. */
  async crashWeir(): Promise<void> {
    await this.weir.child.kill();
  }

  /** Starts Weir again where it was. */
  async restartWeir(): Promise<void> {
    const { xds, admin } = this.weir;
    const logFile = join(this.#scratch, 'weir.log');
    const flags = this.#flags;
    this.weir = await startWeir({ folder: this.files, logFile, xds, admin: admin.replace('http://', ''), flags });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    const pods = [...this.pods.values()];
    await Promise.all(pods.map(({ sidecar }) => sidecar.stop()));
    await Promise.all(pods.map(({ service }) => service.stop()));
    await this.weir.child.stop();
    await rm(this.#scratch, { recursive: true, force: true });
  }

  async #startSidecar({ name, address }: PodSpec, httpProxyPort: number): Promise<Envoy> {
    const { xds } = this.weir;
    const bootstrap = await bootstrapOf({ workload: name, namespace: 'test', ip: address, httpProxyPort, xds });
    return Envoy.start({ binary: this.#envoy, bootstrap, name, logFile: join(this.#scratch, `${name}.log`) });
  }
}

/** Looks again and again until the condition holds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUp = AbortSignal.timeout(deadline);
  while (!(await holds())) {
    if (giveUp.aborted) throw new Error(`waited ${deadline / 1000} s for ${what}`);
    await delay(lookInterval);
  }
}

/** What the service that answered said; fails on anything that is no echo. */
export function echoOf(answer: Answer): Echo {
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as Echo;
}

export function serviceDocument(name: string): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: test}
spec:
  selector: {app: ${name}}
  ports: [{name: http, port: 80, targetPort: http}]
`;
}

function podDocuments({ name, app, version, address }: PodSpec, port: number): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: test, labels: {app: ${app}, version: ${version}}}
spec:
  containers: [{name: app, ports: [{name: http, containerPort: ${port}}]}]
status: {podIP: ${address}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, namespace: test, labels: {kubernetes.io/service-name: ${app}}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints:
- addresses: [${address}]
  conditions: {ready: true}
  targetRef: {kind: Pod, name: ${name}, namespace: test}
`;
}
