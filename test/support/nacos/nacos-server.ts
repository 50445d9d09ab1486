import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child, EndedEarly } from '../../../deploy/demo/child.ts';
import { freePort } from '../free-port.ts';
import type { NacosPrograms } from './programs.ts';

/** A real Nacos 2.5 on this machine, of one node or of several: to be used, and to be broken node by node. */

export interface NacosOptions {
  readonly programs: NacosPrograms;
  /** Default: 1, standalone. Of several each knows all. */
  readonly nodes?: number;
  /** Whether clients have to log in. Default: no. */
  readonly auth?: boolean;
  /** Whether it serves the Mesh Configuration Protocol. Default: no. */
  readonly meshConfiguration?: boolean;
}

export interface NacosNode {
  /** `host:port` of the HTTP API, which is what clients are told. */
  readonly address: string;
  /** `host:port` of gRPC: 1000 above. */
  readonly grpcAddress: string;
  /** `host:port` of the Mesh Configuration Protocol; nothing listens there unless it was asked for. */
  readonly meshConfigurationAddress: string;
}

export interface NacosAccount {
  readonly username: string;
  readonly password: string;
}

/** Raft, HTTP, gRPC for clients, gRPC between nodes, Mesh Configuration Protocol: distances from the port of the HTTP API. */
const portOffsets = [-1000, 0, 1000, 1001, 1002];
/** Milliseconds after which starting is given up; three nodes beside each other on two processors take their time. */
const patience = 120_000;
const questionInterval = 100;
/** Milliseconds for one answer. */
const answerTime = 5_000;

interface RunningNode extends NacosNode {
  readonly name: string;
  readonly folder: string;
  child: Child | undefined;
}

export class Nacos {
  /** Of the administrator; undefined: clients need not log in. */
  readonly account: NacosAccount | undefined;
  readonly #programs: NacosPrograms;
  readonly #folder: string;
  readonly #nodes: readonly RunningNode[];
  /** With this header nodes know each other. */
  readonly #identity: Readonly<Record<string, string>>;
  #isStopped = false;

  private constructor(
    programs: NacosPrograms,
    folder: string,
    nodes: readonly RunningNode[],
    account: NacosAccount | undefined,
    identity: Readonly<Record<string, string>>,
  ) {
    this.#programs = programs;
    this.#folder = folder;
    this.#nodes = nodes;
    this.account = account;
    this.#identity = identity;
  }

  /** Starts it and waits until it is ready. */
  static async start(options: NacosOptions): Promise<Nacos> {
    const folder = await mkdtemp(join(tmpdir(), 'weir-nacos-'));
    const names = Array.from({ length: options.nodes ?? 1 }, (_, index) => `node-${index}`);
    const nodes: RunningNode[] = [];
    for (const name of names) nodes.push(await aNode(name, folder, nodes));
    // Never a known key: somebody may listen on a machine where tests run.
    const identity = { key: 'x-test-identity', value: secret() };
    const { auth = false, meshConfiguration = false } = options;
    const account = auth ? { username: 'nacos', password: secret() } : undefined;
    const tokenKey = secret();
    for (const node of nodes) await configure(node, { nodes, auth, meshConfiguration, identity, tokenKey });
    const nacos = new Nacos(options.programs, folder, nodes, account, { [identity.key]: identity.value });
    try {
      await nacos.startAll();
      if (account !== undefined) await nacos.#createAdministrator(account);
      return nacos;
    } catch (error) {
      await nacos.stop();
      throw error;
    }
  }

  get nodes(): readonly NacosNode[] {
    return this.#nodes;
  }

  /** The first node: all there is of a standalone server. */
  get node(): NacosNode {
    return this.#at(0);
  }

  /** File with all that a node said. */
  logFile(index = 0): string {
    return logFileOf(this.#at(index));
  }

  pid(index = 0): number {
    return this.#running(index).pid;
  }

  /** Ends a node as a crash does. */
  async kill(index = 0): Promise<void> {
    await this.#running(index).kill();
  }

  /** Asks a node to end, which takes its time over it, and takes its leave of the others. */
  async terminate(index = 0): Promise<void> {
    await this.#running(index).stop();
  }

  /** Stops a node in the middle of what it does: its connections stay open, and nothing comes. */
  freeze(index = 0): void {
    process.kill(this.pid(index), 'SIGSTOP');
  }

  thaw(index = 0): void {
    process.kill(this.pid(index), 'SIGCONT');
  }

  /** Starts a node again on the same data and ports, after killing it if it still runs. Settles when it is ready. */
  async restart(index = 0): Promise<void> {
    await this.#end(index);
    await this.#start(index);
  }

  /** Kills all nodes and takes everything from them that they know: what is ephemeral, and what they had written down. */
  async wipe(): Promise<void> {
    await Promise.all(this.#nodes.map((_, index) => this.#end(index)));
    for (const { folder } of this.#nodes) await rm(join(folder, 'data'), { recursive: true, force: true });
  }

  /** Starts all nodes that do not run. Settles when they are ready. */
  async startAll(): Promise<void> {
    const idle = [...this.#nodes.keys()].filter((index) => this.#at(index).child?.hasEnded !== false);
    await Promise.all(idle.map((index) => this.#start(index)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    // Nothing of it is needed afterwards, so nothing is given time to tidy up.
    await Promise.all(this.#nodes.map((_, index) => this.#end(index)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A request to the HTTP API of a node, with the rights of a node. */
  request(path: string, init: RequestInit = {}, index = 0): Promise<Response> {
    const url = `http://${this.#at(index).address}/nacos${path}`;
    return fetch(url, { signal: AbortSignal.timeout(answerTime), ...init, headers: this.#identity });
  }

  /** A node ends itself when it does not find a leader or its own store in time, and is then started again as a supervisor would. */
  async #start(index: number, attempts = 4): Promise<void> {
    this.#spawn(index);
    try {
      await this.#isReady(index);
    } catch (error) {
      if (!(error instanceof EndedEarly) || attempts === 1 || this.#isStopped) throw error;
      await this.#start(index, attempts - 1);
    }
  }

  /** Naming says that it is up when it has what the other nodes know. */
  async #isReady(index: number): Promise<void> {
    await this.#until(index, async () => {
      const answer = await this.request('/v1/ns/operator/metrics', {}, index);
      const { status } = (await answer.json()) as { status?: string };
      return status === 'UP';
    });
    if (this.#nodes.length > 1) await this.#hasLeader(index);
  }

  /** Configuration is kept by Raft, which has to have chosen a leader. */
  async #hasLeader(index: number): Promise<void> {
    await this.#until(index, async () => (await this.request('/v1/cs/health', {}, index)).ok);
  }

  /** The password is asked for until it is taken: a user becomes visible some seconds after it was made (T25). */
  async #createAdministrator({ username, password }: NacosAccount): Promise<void> {
    const post = (path: string): Promise<Response> =>
      this.request(path, { method: 'POST', body: new URLSearchParams({ username, password }) });
    await this.#until(0, async () => (await post('/v1/auth/users/admin')).ok);
    for (const index of this.#nodes.keys())
      await this.#until(index, async () => (await post('/v1/auth/users/login')).ok);
  }

  /** Asks until the answer is yes; the node must not end meanwhile. */
  async #until(index: number, question: () => Promise<boolean>): Promise<void> {
    const child = this.#running(index);
    const end = AbortSignal.timeout(patience);
    while (!(await question().catch(() => false))) {
      if (child.hasEnded) throw child.endedEarly();
      if (end.aborted) throw new Error(`${child.name} is not ready after ${patience} ms; see ${this.logFile(index)}`);
      await Promise.race([delay(questionInterval), child.ended]);
    }
  }

  #spawn(index: number): void {
    const node = this.#at(index);
    node.child = new Child({
      name: `Nacos ${node.name}`,
      command: this.#programs.java,
      args: javaArguments(this.#programs, node, this.#nodes.length === 1),
      logFile: logFileOf(node),
      folder: node.folder,
    });
  }

  async #end(index: number): Promise<void> {
    const { child } = this.#at(index);
    if (child !== undefined && !child.hasEnded) await child.kill();
  }

  #at(index: number): RunningNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`this Nacos has no node ${index}`);
    return node;
  }

  #running(index: number): Child {
    const { child, name } = this.#at(index);
    if (child === undefined) throw new Error(`${name} was never started`);
    return child;
  }
}

async function aNode(name: string, home: string, others: readonly NacosNode[]): Promise<RunningNode> {
  const taken = new Set(others.flatMap(({ address }) => portOffsets.map((offset) => portOf(address) + offset)));
  let port = await freePort(portOffsets);
  while (portOffsets.some((offset) => taken.has(port + offset))) port = await freePort(portOffsets);
  const at = (offset: number): string => `127.0.0.1:${port + offset}`;
  const folder = join(home, name);
  await mkdir(join(folder, 'conf'), { recursive: true });
  return {
    ...{ name, folder, child: undefined },
    ...{ address: at(0), grpcAddress: at(1000), meshConfigurationAddress: at(1002) },
  };
}

interface Settings {
  readonly nodes: readonly NacosNode[];
  readonly auth: boolean;
  readonly meshConfiguration: boolean;
  /** A header by which nodes know each other. */
  readonly identity: { readonly key: string; readonly value: string };
  /** Base64 of the key that signs tokens. */
  readonly tokenKey: string;
}

async function configure(node: RunningNode, settings: Settings): Promise<void> {
  const { identity, meshConfiguration } = settings;
  const lines = {
    'server.address': '127.0.0.1',
    'server.port': portOf(node.address),
    'server.tomcat.basedir': node.folder,
    'server.tomcat.accesslog.enabled': false,
    'nacos.core.auth.enabled': settings.auth,
    'nacos.core.auth.system.type': 'nacos',
    'nacos.core.auth.server.identity.key': identity.key,
    'nacos.core.auth.server.identity.value': identity.value,
    'nacos.core.auth.plugin.nacos.token.secret.key': settings.tokenKey,
    // Whoever asks Raft before there is a leader ends its start; by default that takes as long as is waited.
    'nacos.core.protocol.raft.data.election_timeout_ms': 1_000,
    'nacos.istio.mcp.server.enabled': meshConfiguration,
    'nacos.istio.mcp.server.port': portOf(node.meshConfigurationAddress),
    'nacos.extension.naming.istio.enabled': meshConfiguration,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(node.folder, 'conf', 'application.properties'), text.join(''), { mode: 0o600 });
  const members = settings.nodes.map(({ address }) => `${address}\n`).join('');
  if (settings.nodes.length > 1) await writeFile(join(node.folder, 'conf', 'cluster.conf'), members);
}

function javaArguments({ folder: built }: NacosPrograms, { folder }: RunningNode, standalone: boolean): string[] {
  const opened = ['java.io', 'java.util', 'java.lang', 'sun.nio.ch'];
  // Of the two versions of Hessian the newer must come first, and the older must be there: without, no push ever leaves (T21).
  const classes = ['libraries/hessian-4.0.63.jar', 'nacos-for-tests.jar', 'libraries/*'];
  return [
    `-javaagent:${join(built, 'nacos-for-tests.jar')}`,
    ...['-Xms64m', '-Xmx384m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
    ...opened.flatMap((name) => ['--add-opens', `java.base/${name}=ALL-UNNAMED`]),
    // Everything that it writes goes below its folder.
    ...['user.home', 'nacos.home', 'derby.system.home'].map((name) => `-D${name}=${folder}`),
    `-Dspring.config.additional-location=file:${folder}/conf/`,
    '-Dnacos.server.ip=127.0.0.1',
    standalone ? '-Dnacos.standalone=true' : '-DembeddedStorage=true',
    ...['-cp', classes.map((path) => join(built, path)).join(':'), 'weir.Server'],
  ];
}

function logFileOf({ folder }: RunningNode): string {
  return join(folder, 'out.log');
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

function secret(): string {
  return randomBytes(48).toString('base64');
}
