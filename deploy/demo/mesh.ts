import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EchoService } from './echo-service.ts';
import { Envoy } from './envoy.ts';
import { MeshFolder, type Pod } from './mesh-folder.ts';
import { folderHome, type MeshHome } from './mesh-home.ts';
import type { Trust } from './trust.ts';
import { bootstrapOf, startWeir, type Weir } from './weir.ts';

/** The running mesh: Weir, and for every pod in a folder of YAML a small service with a real Envoy beside it. */

/** Which service asks which, through its sidecar. */
const asks: Readonly<Record<string, string>> = { web: 'http://catalogue/', catalogue: 'http://stock/' };

export interface Workload {
  readonly pod: Pod;
  /** Port of the service on 127.0.0.1, and of its sidecar's inbound listener on the pod's address. */
  readonly port: number;
  /** Port on 127.0.0.1 that takes the HTTP proxy requests of this workload. */
  readonly proxyPort: number;
  readonly service: EchoService;
  readonly sidecar: Envoy;
}

export class Mesh {
  readonly folder: MeshFolder;
  readonly home: MeshHome;
  readonly weir: Weir;
  readonly workloads: ReadonlyMap<string, Workload>;
  /** Folder with a log file per program. */
  readonly logs: string;
  readonly #scratch: string;

  private constructor(
    { folder, home }: Pick<Mesh, 'folder' | 'home'>,
    weir: Weir,
    workloads: readonly Workload[],
    scratch: string,
  ) {
    this.folder = folder;
    this.home = home;
    this.weir = weir;
    this.workloads = new Map(workloads.map((workload) => [workload.pod.name, workload]));
    this.#scratch = scratch;
    this.logs = join(scratch, 'logs');
  }

  /**
   * Starts everything and waits until every sidecar has its configuration.
   *
   * @param envoy path of the binary
   * @param startHome where Weir finds the mesh; default: in the folder
   * @param startTrust how sidecars show who they are, given a folder for that
   * @param say told of each step
   */
  static async start(
    envoy: string,
    startHome: (() => Promise<MeshHome>) | undefined,
    startTrust: (folder: string) => Trust,
    say: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Mesh> {
    const scratch = await mkdtemp(join(tmpdir(), 'weir-demo-'));
    const stops: (() => Promise<void>)[] = [() => rm(scratch, { recursive: true, force: true })];
    try {
      const logs = join(scratch, 'logs');
      await mkdir(logs);
      const path = join(scratch, 'mesh');
      const home = startHome === undefined ? folderHome(path) : await startHome();
      stops.push(() => home.stop());
      const trust = startTrust(join(scratch, 'trust'));
      const folder = await MeshFolder.copyTo(path, (text) => trust.adapt(home.adapt(text)));
      const pods = await folder.pods();
      const reserved = await reservePorts(pods.length);
      const placed: Pick<Workload, 'pod' | 'port' | 'proxyPort' | 'service'>[] = [];
      for (const [index, pod] of pods.entries()) {
        const proxyPort = reserved.ports[index] ?? 0;
        const service = await startService(pod, proxyPort);
        stops.push(() => service.stop());
        await folder.edit(pod.file, (text) => text.replaceAll(String(pod.port), String(service.port)));
        placed.push({ pod, port: service.port, proxyPort, service });
      }
      await reserved.release();
      signal.throwIfAborted();
      await home.begin(folder, signal);
      const weir = await startWeir({ flags: home.flags, listen: trust.flags, logFile: join(logs, 'weir.log') });
      stops.push(() => weir.child.stop());
      say(`Weir serves ${home.name}`);
      const started = await Promise.allSettled(
        placed.map(async (place): Promise<Workload> => {
          const credentials = await trust.credentialsOf(place.pod);
          const sidecar = await startSidecar(envoy, place, { xds: weir.xds, credentials }, logs);
          stops.push(() => sidecar.stop());
          await sidecar.ready(signal);
          return { ...place, sidecar };
        }),
      );
      // All have been started or have failed: what is to be stopped is known.
      const workloads = started.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
      say(`${workloads.length} Envoys are ready`);
      return new Mesh({ folder, home }, weir, workloads, scratch);
    } catch (error) {
      for (const stop of stops.toReversed()) await stop().catch(() => undefined);
      throw error;
    }
  }

  workload(name: string): Workload {
    const workload = this.workloads.get(name);
    if (workload === undefined) throw new Error(`there is no workload ${name}`);
    return workload;
  }

  /** Changes a file, as a user does. Gives its text before and after. */
  async edit(file: string, change: (text: string) => string): ReturnType<MeshFolder['edit']> {
    const edited = await this.folder.edit(file, change);
    await this.home.saved(this.folder.pathOf(file));
    return edited;
  }

  /** Adds a file, as a user does. */
  async add(file: string, text: string): Promise<void> {
    await this.folder.add(file, text);
    await this.home.saved(this.folder.pathOf(file));
  }

  /** Deletes a file, and what it describes. */
  async remove(file: string): Promise<void> {
    await this.home.removing(this.folder.pathOf(file));
    await this.folder.remove(file);
  }

  /** Ends one pod: its service and its sidecar. */
  async stopWorkload(name: string): Promise<void> {
    const { service, sidecar } = this.workload(name);
    await Promise.all([service.stop(), sidecar.stop()]);
  }

  /** The first program that ends without having been asked to, as an error; never settles while all run. */
  async accident(): Promise<never> {
    const children = [this.weir.child, ...Array.from(this.workloads.values(), (workload) => workload.sidecar.child)];
    const { promise, reject } = Promise.withResolvers<never>();
    for (const child of children)
      void child.ended.then(() => (child.isStopping ? undefined : reject(child.endedEarly())));
    return promise;
  }

  /** Ends everything, traffic's way: sidecars first, so that nobody waits for an answer. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.workloads.values(), (workload) => workload.sidecar.stop()));
    await Promise.all(Array.from(this.workloads.values(), (workload) => workload.service.stop()));
    await this.weir.child.stop();
    await this.home.stop();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}

function startService(pod: Pod, proxyPort: number): Promise<EchoService> {
  const url = asks[pod.app];
  const next = url === undefined ? {} : { next: { url, proxyPort } };
  return EchoService.start({ service: pod.app, version: pod.version, instance: pod.name, ...next });
}

async function startSidecar(
  binary: string,
  { pod, proxyPort }: Pick<Workload, 'pod' | 'proxyPort'>,
  weir: { readonly xds: string; readonly credentials: readonly string[] },
  logs: string,
): Promise<Envoy> {
  const { name, namespace, address } = pod;
  const bootstrap = await bootstrapOf({ workload: name, namespace, ip: address, httpProxyPort: proxyPort, ...weir });
  return Envoy.start({ binary, bootstrap, name, logFile: join(logs, `${name}.log`) });
}

/** Free ports of 127.0.0.1, held until `release`, so that nothing that is started meanwhile is given one of them. */
export async function reservePorts(
  count: number,
): Promise<{ readonly ports: readonly number[]; readonly release: () => Promise<void> }> {
  const servers: Server[] = [];
  for (let index = 0; index < count; index++) {
    const server = createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
  }
  const close = async (server: Server): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    release: async () => void (await Promise.all(servers.map(close))),
  };
}
