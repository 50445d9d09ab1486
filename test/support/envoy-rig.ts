import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Envoy } from '../../deploy/demo/envoy.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { noObserver, type XdsObserver } from '../../src/xds/observer.ts';
import { toJson } from '../../src/xds/json.ts';
import type { TypeStatus } from '../../src/xds/status.ts';
import {
  aBootstrap,
  aCluster,
  aListener,
  anAssignment,
  aRouteTable,
  configSource,
  NamedUpstream,
} from './envoy-resources.ts';
import { ServedMesh } from './served-mesh.ts';
import type { Variant } from './trace-rig.ts';

/** Milliseconds after which waiting is given up: less than Envoy's own 15 s, which end every warming. */
const patience = 8_000;

interface RigOptions {
  /** Path of the binary. */
  readonly binary: string;
  readonly variant: Variant;
  readonly observer?: XdsObserver;
  /** Where Envoy is told that the server is, given where it is. */
  readonly via?: (address: string) => Promise<string>;
}

/** A real Envoy with resources that are put there by hand: cluster `a`, with one upstream, and listener `l` with routes `r` to it. */
export class EnvoyRig {
  readonly served: ServedMesh;
  readonly one: NamedUpstream;
  readonly two: NamedUpstream;
  readonly envoy: Envoy;
  readonly #folder: string;
  readonly #source: envoy.ConfigSource;

  private constructor(
    served: ServedMesh,
    upstreams: readonly [NamedUpstream, NamedUpstream],
    running: { readonly envoy: Envoy; readonly folder: string; readonly source: envoy.ConfigSource },
  ) {
    this.served = served;
    [this.one, this.two] = upstreams;
    this.envoy = running.envoy;
    this.#folder = running.folder;
    this.#source = running.source;
  }

  static async start({ binary, variant, observer = noObserver, via }: RigOptions): Promise<EnvoyRig> {
    const [served, one, two, folder] = await Promise.all([
      ServedMesh.start({ observer }),
      NamedUpstream.start('one'),
      NamedUpstream.start('two'),
      mkdtemp(join(tmpdir(), 'weir-xds-')),
    ]);
    const source = configSource(variant);
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'a', aCluster('a', { source }), { children: ['a'] });
      mesh.put('endpoints', 'a', anAssignment('a', one.port));
      mesh.put('listener', 'l', aListener('l', 'r', { source }), { children: ['r'] });
      mesh.put('routes', 'r', aRouteTable('r', 'a'));
    });
    served.server.open();
    const address = (await via?.(served.address)) ?? served.address;
    const running = await Envoy.start({
      binary,
      bootstrap: toJson('envoy.config.bootstrap.v3.Bootstrap', aBootstrap(address, variant)),
      name: 'envoy',
      logFile: join(folder, 'envoy.log'),
    });
    await running.ready(AbortSignal.timeout(patience));
    return new EnvoyRig(served, [one, two], { envoy: running, folder, source });
  }

  async stop(): Promise<void> {
    await this.envoy.stop();
    await this.served.close();
    this.one.stop();
    this.two.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A cluster that gets its load assignment as this Envoy gets everything. */
  cluster(name: string, options: { readonly seconds?: number; readonly serviceName?: string } = {}): Uint8Array {
    return aCluster(name, { ...options, source: this.#source });
  }

  listener(name: string, routes: string, statPrefix: string = name): Uint8Array {
    return aListener(name, routes, { source: this.#source, statPrefix });
  }

  /** What the server knows of each type on each of Envoy's streams. */
  statuses(): readonly TypeStatus[] {
    return this.served.server.proxies().flatMap(({ types }) => types);
  }

  isSynced(): boolean {
    const statuses = this.statuses();
    return statuses.length >= 4 && statuses.every(({ state }) => state === 'synced');
  }

  async until(holds: () => Promise<boolean> | boolean): Promise<void> {
    await this.envoy.until(async () => holds(), AbortSignal.timeout(patience));
  }

  portOf(listener: string): Promise<number> {
    return portOf(this.envoy, listener);
  }

  /** Counters that must be 0 in an Envoy that was served well and are not: refused updates and given-up waits. */
  async faults(): Promise<readonly string[]> {
    const stats = await this.envoy.text('/stats?filter=(update_rejected|init_fetch_timeout|warming_clusters)$');
    return stats.split('\n').filter((line) => /: [1-9]/.test(line));
  }

  /** Requests without a pause until it is stopped; gives what was not answered by 200. */
  load(port: number): { readonly stop: () => Promise<{ readonly sent: number; readonly failed: readonly string[] }> } {
    const failed: string[] = [];
    const end = new AbortController();
    let sent = 0;
    const finished = (async () => {
      while (!end.signal.aborted) {
        const answer = await ask(port);
        sent++;
        if (!answer.startsWith('200 ')) failed.push(answer);
      }
    })();
    return {
      stop: async () => {
        end.abort();
        await finished;
        return { sent, failed };
      },
    };
  }
}

/** The port on which a listener listens; 0: there is none of that name. */
export async function portOf(running: Envoy, listener: string): Promise<number> {
  const page = JSON.parse(await running.text('/listeners?format=json')) as {
    readonly listener_statuses?: readonly {
      readonly name: string;
      readonly local_address: { readonly socket_address: { readonly port_value: number } };
    }[];
  };
  const status = page.listener_statuses?.find(({ name }) => name === listener);
  return status?.local_address.socket_address.port_value ?? 0;
}

/** `status body`, or what went wrong. */
export async function ask(port: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    return String(error);
  }
}
