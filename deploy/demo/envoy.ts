import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.ts';

/** One real Envoy: started from a bootstrap, asked through its admin port, stopped. */

export interface EnvoyOptions {
  /** Path of the binary. */
  readonly binary: string;
  /** Bootstrap in protobuf's JSON form. Its admin port should be 0. */
  readonly bootstrap: unknown;
  readonly name: string;
  readonly logFile: string;
  /** For example `debug`; `warning` when absent. */
  readonly logLevel?: string;
  /** A command that runs its arguments as a command, for example in another network namespace. */
  readonly prefix?: readonly string[];
  /** In which it runs, and finds files that the bootstrap names without a path; default: that of this program. */
  readonly folder?: string;
}

/** Milliseconds between questions where Envoy offers no event to wait for. */
const questionInterval = 15;

export class Envoy {
  readonly name: string;
  readonly child: Child;
  readonly #folder: string;
  #admin: string | undefined = undefined;

  private constructor(child: Child, folder: string) {
    this.name = child.name;
    this.child = child;
    this.#folder = folder;
  }

  /** Starts Envoy and waits for its admin port, not for its configuration. */
  static async start({
    binary,
    bootstrap,
    name,
    logFile,
    logLevel = 'warning',
    prefix = [],
    folder: workingFolder,
  }: EnvoyOptions): Promise<Envoy> {
    const folder = await mkdtemp(join(tmpdir(), 'weir-envoy-'));
    const [configFile, adminFile] = [join(folder, 'bootstrap.json'), join(folder, 'admin')];
    await writeFile(configFile, JSON.stringify(bootstrap));
    const options = ['-c', configFile, '--admin-address-path', adminFile, '--concurrency', '1', '-l', logLevel];
    // Hot restart would have all Envoys of the machine share one memory segment.
    const [command, ...args] = [...prefix, binary, ...options, '--disable-hot-restart'];
    const child = new Child({
      command,
      args,
      logFile,
      name,
      ...(workingFolder === undefined ? {} : { folder: workingFolder }),
    });
    const envoy = new Envoy(child, folder);
    try {
      envoy.#admin = await envoy.#until(async () => {
        const text = await readFile(adminFile, 'utf8').catch(() => '');
        return text === '' ? undefined : text;
      });
      return envoy;
    } catch (error) {
      await envoy.stop();
      throw error;
    }
  }

  /** `host:port` of the admin interface. */
  get admin(): string {
    return this.#admin ?? '';
  }

  /** Waits until Envoy has all configuration that it asked for and takes traffic. */
  async ready(signal?: AbortSignal): Promise<void> {
    await this.until(async () => {
      const response = await fetch(`http://${this.admin}/ready`);
      await response.arrayBuffer();
      return response.ok;
    }, signal);
  }

  /** Waits for a condition of this Envoy; rejects when it ends first. */
  async until(holds: () => Promise<boolean>, signal?: AbortSignal): Promise<void> {
    await this.#until(async () => ((await holds()) ? true : undefined), signal);
  }

  /** Body of an admin page, for example `/stats?filter=outlier`. */
  async text(path: string): Promise<string> {
    const response = await fetch(`http://${this.admin}${path}`);
    if (!response.ok) throw new Error(`${this.name} answers ${response.status} to ${path}`);
    return response.text();
  }

  /** Value of a counter or gauge; 0 if Envoy does not have it (yet). */
  async stat(name: string): Promise<number> {
    const lines = (
      await this.text(`/stats?filter=^${encodeURIComponent(name.replaceAll(/[.|^$()]/g, '\\$&'))}$`)
    ).split('\n');
    const line = lines.find((candidate) => candidate.startsWith(`${name}: `));
    return line === undefined ? 0 : Number(line.slice(name.length + 2));
  }

  async configDump(): Promise<{ readonly configs: readonly Readonly<Record<string, unknown>>[] }> {
    return JSON.parse(await this.text('/config_dump?include_eds')) as Awaited<ReturnType<Envoy['configDump']>>;
  }

  /** Addresses (`ip:port`) of the healthy hosts of a cluster; undefined when there is no such cluster. */
  async hostsOf(cluster: string): Promise<readonly string[] | undefined> {
    const { cluster_statuses: statuses = [] } = JSON.parse(await this.text('/clusters?format=json')) as ClustersPage;
    const hosts = statuses.find((status) => status.name === cluster);
    if (hosts === undefined) return undefined;
    const healthy = (hosts.host_statuses ?? []).filter(({ health_status: health }) => {
      return health.failed_outlier_check !== true && (health.eds_health_status ?? 'HEALTHY') === 'HEALTHY';
    });
    return healthy.map(({ address: { socket_address: socket } }) => `${socket.address}:${socket.port_value}`).sort();
  }

  async stop(): Promise<void> {
    await this.child.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #until<Value>(ask: () => Promise<Value | undefined>, signal?: AbortSignal): Promise<Value> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.child.hasEnded) throw this.child.endedEarly();
      const answer = await ask();
      if (answer !== undefined) return answer;
      await Promise.race([delay(questionInterval), this.child.ended]);
    }
  }
}

interface ClustersPage {
  readonly cluster_statuses?: readonly {
    readonly name: string;
    readonly host_statuses?: readonly {
      readonly address: { readonly socket_address: { readonly address: string; readonly port_value: number } };
      readonly health_status: { readonly eds_health_status?: string; readonly failed_outlier_check?: boolean };
    }[];
  }[];
}
