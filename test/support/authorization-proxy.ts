import { createServer as createHttpServer, request as httpRequest, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Envoy } from '../../deploy/demo/envoy.ts';
import type { Engine } from '../../src/incremental/engine.ts';
import { spiffeId } from '../../src/model/identity.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { fromJson, toJson } from '../../src/xds/json.ts';
import { pack } from '../../src/xds/proto.ts';
import { inboundListenerNames, translateInboundListener } from '../../src/xds/translate/inbound-listeners.ts';
import { identityOf } from './authorization-call.ts';
import { inboundScopeOf } from './authorization-mesh.ts';
import { Authority } from './certificates.ts';

/**
 * A real Envoy with the inbound listeners of many workloads, each twice: in the clear, and behind mutual TLS. What is proved is their
 * filters; which connections a workload takes is proved elsewhere.
 */
export class GuardedEnvoy {
  readonly #envoy: Envoy;
  readonly #folder: string;
  readonly #servers: readonly (Server | NetServer)[];
  readonly #authority: Authority;
  #addresses: ReadonlyMap<string, { readonly host: string; readonly port: number }> = new Map();

  private constructor(running: {
    readonly envoy: Envoy;
    readonly folder: string;
    readonly servers: readonly (Server | NetServer)[];
    readonly authority: Authority;
  }) {
    this.#envoy = running.envoy;
    this.#folder = running.folder;
    this.#servers = running.servers;
    this.#authority = running.authority;
  }

  /**
   * @param workloads by a name
   * @param clusters beside those of the applications
   */
  static async start(
    binary: string,
    workloads: ReadonlyMap<string, { readonly engine: Engine; readonly protocol: 'http' | 'tcp' }>,
    clusters: readonly envoy.Cluster[] = [],
  ): Promise<GuardedEnvoy> {
    const authority = new Authority('mesh');
    const application = createHttpServer((request, response) =>
      response.end(JSON.stringify({ path: request.url, headers: request.headers })),
    );
    const bytes = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    const [httpPort, tcpPort] = await Promise.all([listening(application), listening(bytes)]);
    const port = await freePort();
    const listeners = [...workloads].flatMap(([name, { engine, protocol }], index) => {
      const cluster = protocol === 'http' ? 'application' : 'bytes';
      const listener = listenerOf(engine, cluster, port);
      const place = `127.77.${Math.floor(index / 250)}.${(index % 250) + 1}`;
      return [
        named(listener, `${name} clear`, { place, port }, undefined),
        named(listener, `${name} mutual`, { place: place.replace('77', '78'), port }, mutualTls(authority)),
      ];
    });
    const bootstrap: envoy.Bootstrap = {
      node: { id: 'test', cluster: 'test' },
      admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
      staticResources: {
        listeners,
        clusters: [aStaticCluster('application', httpPort), aStaticCluster('bytes', tcpPort), ...clusters],
      },
    };
    const folder = await mkdtemp(join(tmpdir(), 'weir-authorization-'));
    const running = await Envoy.start({
      binary,
      bootstrap: toJson('envoy.config.bootstrap.v3.Bootstrap', bootstrap),
      name: 'guarded',
      logFile: join(folder, 'envoy.log'),
    });
    const guarded = new GuardedEnvoy({ envoy: running, folder, servers: [application, bytes], authority });
    try {
      await running.ready(AbortSignal.timeout(20_000));
    } catch (error) {
      throw new Error(await readFile(join(folder, 'envoy.log'), 'utf8'), { cause: error });
    }
    guarded.#addresses = new Map(
      listeners.map(({ name, address: { socketAddress } }) => [
        name,
        { host: socketAddress.address, port: socketAddress.portValue },
      ]),
    );
    return guarded;
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    for (const server of this.#servers) server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Status of the answer, and what the application got. */
  async request(workload: string, call: Request): Promise<{ readonly status: number; readonly body: string }> {
    const options = { ...this.#target(workload, call.as), method: call.method ?? 'GET', path: call.path ?? '/' };
    const headers = { ...call.headers, host: call.host ?? 'web' };
    return new Promise((resolve, reject) => {
      const send = call.as === undefined ? httpRequest : httpsRequest;
      const sent = send({ ...options, headers, agent: false }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() }));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  /** Whether bytes come back over a connection. */
  async isConnected(workload: string, as: string | undefined): Promise<boolean> {
    const options = this.#target(workload, as);
    const socket: Socket = as === undefined ? connect(options) : connectTls(options);
    return new Promise((resolve) => {
      socket.on('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      socket.write('hello');
    });
  }

  async stats(filter: string): Promise<string> {
    return this.#envoy.text(`/stats?filter=${encodeURIComponent(filter)}`);
  }

  #target(workload: string, as: string | undefined) {
    const target = this.#addresses.get(`${workload} ${as === undefined ? 'clear' : 'mutual'}`);
    if (target === undefined) throw new Error(`no listener of ${workload}`);
    if (as === undefined) return target;
    const { certificate, key } = this.#authority.issue('caller', spiffeId(identityOf(as)));
    return { ...target, cert: certificate, key, ca: this.#authority.certificate, checkServerIdentity: () => undefined };
  }
}

interface Request {
  readonly as?: string | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function listening(server: Server | NetServer): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** The listener of a workload that is not intercepted, with everything sent to one cluster. */
function listenerOf(engine: Engine, cluster: string, port: number): envoy.Listener {
  const scope = inboundScopeOf(engine);
  const [name = ''] = inboundListenerNames(engine.read, scope);
  const translated = translateInboundListener(engine.read, scope, name);
  if (translated === undefined) throw new Error('the workload has no inbound listener');
  const json = JSON.stringify(toJson('envoy.config.listener.v3.Listener', translated.message));
  const here = json
    .replaceAll('inbound|8080||', cluster)
    .replaceAll('"destinationPort":8080', `"destinationPort":${port}`);
  return fromJson('envoy.config.listener.v3.Listener', JSON.parse(here));
}

/** Its last chain alone, which takes every connection. */
function named(
  listener: envoy.Listener,
  name: string,
  { place, port }: { readonly place: string; readonly port: number },
  transportSocket: envoy.TransportSocket | undefined,
) {
  const chain = listener.filterChains?.at(-1);
  const { filterChainMatch: _, ...rest } = chain ?? {};
  return {
    name,
    address: { socketAddress: { address: place, portValue: port } },
    filterChains: [{ ...rest, transportSocket }],
    trafficDirection: 'INBOUND',
  } as const;
}

function mutualTls(authority: Authority): envoy.TransportSocket {
  const { certificate, key } = authority.issue('web', 'spiffe://cluster.local/ns/shop/sa/web');
  return {
    name: 'envoy.transport_sockets.tls',
    typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
      requireClientCertificate: { value: true },
      commonTlsContext: {
        tlsCertificates: [{ certificateChain: { inlineString: certificate }, privateKey: { inlineString: key } }],
        validationContext: { trustedCa: { inlineString: authority.certificate } },
      },
    }),
  };
}

/** A cluster of one endpoint on this machine. */
export function aStaticCluster(name: string, port: number): envoy.Cluster {
  const endpoint = { address: { socketAddress: { address: '127.0.0.1', portValue: port } } };
  return {
    name,
    type: 'STATIC',
    connectTimeout: { seconds: 1 },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint }] }] },
  };
}

/** A port that nobody has on this machine: all listeners have it, each at an address of its own, so that policies can name it. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  server.close();
  return port;
}
