import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../../deploy/demo/child.ts';
import { ApiError, type ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { freePort } from '../free-port.ts';
import { kubeconfigOf, writeKeys, type Keys } from './keys.ts';
import type { ControlPlanePrograms } from './programs.ts';
import { createTestClient } from './test-client.ts';

/** A real Kubernetes control plane on this machine, without nodes: to be used, and to be broken part by part. */

export type Component = 'etcd' | 'kube-apiserver' | 'kube-controller-manager';

export interface ApiServerOptions {
  readonly programs: ControlPlanePrograms;
  /** Whether controllers run: pods of a Deployment, slices of a Service, the end of a namespace. Default: true, if there is the program. */
  readonly controllers?: boolean;
  /**
   * How long watches outlive the request to end, as the flag of the API server has it. Default: `500ms`; undefined: as in
   * production, which is 60 s (K155).
   */
  readonly watchTerminationGrace?: string | undefined;
  /** How long the API server goes on as before when it is asked to end, as its flag has it. Default: not at all. */
  readonly shutdownDelay?: string;
}

/** Those without which services have no endpoints and namespaces do not end (K131). */
const controllers = [
  'deployment-controller',
  'endpointslice-controller',
  'endpointslice-mirroring-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'replicaset-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'statefulset-controller',
];

/** Milliseconds after which starting is given up. */
const patience = 60_000;
/** Milliseconds between questions where the API server offers no event to wait for. */
const questionInterval = 25;

export class ApiServer {
  /** For example `https://127.0.0.1:23456`. */
  readonly url: string;
  readonly kubeconfig: string;
  readonly kubeconfigPath: string;
  /** Of a user that may do everything. */
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** With the rights of that user. */
  readonly client: ApiClient;
  readonly #folder: string;
  readonly #commands: ReadonlyMap<Component, { readonly command: string; readonly args: readonly string[] }>;
  readonly #children = new Map<Component, Child>();

  private constructor(
    url: string,
    folder: string,
    keys: Keys,
    commands: ReadonlyMap<Component, { readonly command: string; readonly args: readonly string[] }>,
  ) {
    this.url = url;
    this.#folder = folder;
    this.#commands = commands;
    this.token = keys.token;
    this.ca = keys.ca;
    this.kubeconfig = kubeconfigOf(url, keys);
    this.kubeconfigPath = kubeconfigPathIn(folder);
    this.client = createTestClient(url, keys);
  }

  /** Starts it and waits until it is ready. */
  static async start(options: ApiServerOptions): Promise<ApiServer> {
    const folder = await mkdtemp(join(tmpdir(), 'weir-apiserver-'));
    const keys = await writeKeys(folder);
    const port = await freePort([0]);
    const url = `https://127.0.0.1:${port}`;
    await writeFile(kubeconfigPathIn(folder), kubeconfigOf(url, keys), { mode: 0o600 });
    const server = new ApiServer(url, folder, keys, commandsOf(options, folder, port, keys));
    try {
      await mkdir(join(folder, 'logs'));
      server.#spawn('etcd');
      server.#spawn('kube-apiserver');
      await server.ready();
      await server.#startControllers();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Address of etcd, which wants no credentials. */
  get store(): string {
    return storeIn(this.#folder);
  }

  /** Folder with a log file per component. */
  get logs(): string {
    return join(this.#folder, 'logs');
  }

  get components(): readonly Component[] {
    return [...this.#commands.keys()];
  }

  pid(component: Component): number {
    return this.#child(component).pid;
  }

  /** Waits until the API server says that it is ready. */
  async ready(): Promise<void> {
    await this.#answers('/readyz', ['etcd', 'kube-apiserver']);
  }

  /** Ends a component as a crash does. */
  async kill(component: Component): Promise<void> {
    await this.#child(component).kill();
  }

  /** Asks a component to end, which takes its time over it. Settles when it has ended. */
  async terminate(component: Component): Promise<void> {
    const child = this.#child(component);
    process.kill(child.pid, 'SIGTERM');
    await child.ended;
  }

  /** Stops a component in the middle of what it does: its connections stay open, and nothing comes. */
  freeze(component: Component): void {
    process.kill(this.#child(component).pid, 'SIGSTOP');
  }

  thaw(component: Component): void {
    process.kill(this.#child(component).pid, 'SIGCONT');
  }

  /** Starts a component again, on the same data and port, after killing it if it still runs. Settles when the API server is ready. */
  async restart(component: Component): Promise<void> {
    const child = this.#child(component);
    if (!child.hasEnded) await child.kill();
    this.#spawn(component);
    await this.ready();
  }

  async stop(): Promise<void> {
    this.client.close();
    // Nothing of it is needed afterwards, so nothing is given time to tidy up.
    await Promise.all(Array.from(this.#children.values(), (child) => child.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Not before the API server is ready: they wait for it only ten seconds, and then end. */
  async #startControllers(): Promise<void> {
    if (!this.#commands.has('kube-controller-manager')) return;
    this.#spawn('kube-controller-manager');
    // The first thing that they make in a new cluster.
    await this.#answers('/api/v1/namespaces/default/serviceaccounts/default', [...this.#commands.keys()]);
  }

  /** Waits until there is something under a path; the components must not end meanwhile. */
  async #answers(path: string, needed: readonly Component[]): Promise<void> {
    const children = needed.map((component) => this.#child(component));
    const end = AbortSignal.timeout(patience);
    for (;;) {
      for (const child of children) if (child.hasEnded) throw child.endedEarly();
      end.throwIfAborted();
      if (await this.#isThere(path, end)) return;
      await Promise.race([delay(questionInterval), ...children.map(({ ended }) => ended)]);
    }
  }

  async #isThere(path: string, signal: AbortSignal): Promise<boolean> {
    try {
      // Not every answer is JSON.
      const answer = await this.client.lines({ path, headersTimeoutMs: 5_000 }, signal);
      for await (const line of answer) void line;
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ApiError)) throw error;
      return false;
    }
  }

  #child(component: Component): Child {
    const child = this.#children.get(component);
    if (child === undefined) throw new Error(`this control plane has no ${component}`);
    return child;
  }

  #spawn(component: Component): void {
    const command = this.#commands.get(component);
    if (command === undefined) throw new Error(`this control plane has no ${component}`);
    const logFile = join(this.logs, `${component}.log`);
    this.#children.set(component, new Child({ ...command, name: component, logFile }));
  }
}

function kubeconfigPathIn(folder: string): string {
  return join(folder, 'kubeconfig');
}

/** A socket in our own folder: no port that somebody else could take. */
function storeIn(folder: string): string {
  return `unix://${join(folder, 'etcd.sock')}`;
}

function commandsOf(
  { programs, controllers: hasControllers = true, ...options }: ApiServerOptions,
  folder: string,
  port: number,
  keys: Keys,
): ReadonlyMap<Component, { readonly command: string; readonly args: readonly string[] }> {
  const commands = new Map<Component, { readonly command: string; readonly args: readonly string[] }>();
  const store = storeIn(folder);
  commands.set('etcd', {
    command: programs.etcd,
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${store}`,
      // Must be there, and nobody asks for it: there are no other members.
      '--advertise-client-urls=http://127.0.0.1:2379',
      '--listen-peer-urls=unix:///peers',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  });
  const runsControllers = hasControllers && programs.controllerManager !== undefined;
  const grace = 'watchTerminationGrace' in options ? options.watchTerminationGrace : '500ms';
  commands.set('kube-apiserver', {
    command: programs.apiServer,
    args: [
      `--etcd-servers=${store}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${folder}`,
      `--tls-cert-file=${keys.certificateFile}`,
      `--tls-private-key-file=${keys.keyFile}`,
      `--token-auth-file=${keys.tokensFile}`,
      '--authorization-mode=RBAC',
      `--service-account-key-file=${keys.serviceAccountKeyFile}`,
      `--service-account-signing-key-file=${keys.serviceAccountKeyFile}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--api-audiences=https://kubernetes.default.svc',
      '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112',
      '--allow-privileged=true',
      // Without its controller no namespace would have the account that this one demands of every pod.
      ...(runsControllers ? [] : ['--disable-admission-plugins=ServiceAccount']),
      ...(grace === undefined ? [] : [`--shutdown-watch-termination-grace-period=${grace}`]),
      ...(options.shutdownDelay === undefined ? [] : [`--shutdown-delay-duration=${options.shutdownDelay}`]),
    ],
  });
  if (runsControllers && programs.controllerManager !== undefined) {
    commands.set('kube-controller-manager', {
      command: programs.controllerManager,
      args: [
        `--kubeconfig=${kubeconfigPathIn(folder)}`,
        `--controllers=${controllers.join(',')}`,
        `--root-ca-file=${keys.caFile}`,
        '--leader-elect=false',
        '--secure-port=0',
      ],
    });
  }
  return commands;
}
