import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp, request, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2, type Http2Server } from 'node:http2';
import { connect, createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Envoy } from '../../deploy/demo/envoy.ts';
import type { Caller } from '../../src/identity/caller.ts';
import type { Engine } from '../../src/incremental/engine.ts';
import { spiffeId } from '../../src/model/identity.ts';
import { proxies } from '../../src/model/tables.ts';
import { scopesOf } from '../../src/policy/scope.ts';
import { struct } from '../../src/xds/envoy.ts';
import { toJson } from '../../src/xds/json.ts';
import { noObserver } from '../../src/xds/observer.ts';
import { resource, resourceNames } from '../../src/xds/resources.ts';
import { XdsServer } from '../../src/xds/server.ts';
import { xdsHandlers } from '../../src/xds/services.ts';
import { listen, type Listener } from '../../src/xds/transport/listener.ts';
import { defaultLimits, noConnectionObserver } from '../../src/xds/transport/protocol.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { Authority } from './certificates.ts';
import { realClock } from './clocks.ts';
import { aBootstrap } from './envoy-resources.ts';
import { aCaller, HandFedSecrets } from './hand-fed-secrets.ts';
import { aMesh, aPod, aService, aServiceKey, aShard, put, type ARow } from './mesh-rows.ts';

/**
 * Two real Envoys with identities, and Weir between them: `web` calls the service `api`, whose workload stands behind an Envoy. The client
 * binds the service's address, the server the workload's; the applications listen on 127.0.0.1.
 */

export const portNames = ['http', 'tcp', 'auto-http', 'auto-h2c', 'auto-tcp'] as const;
export type PortName = (typeof portNames)[number];

/** What a call met: what answered, and whether it came by mutual TLS. */
export type Outcome = 'in the clear' | 'mutual TLS' | 'refused';

/** Milliseconds after which waiting is given up. */
const patience = 10_000;

export class MutualTlsPair {
  readonly engine: Engine;
  readonly secrets = new HandFedSecrets();
  readonly #authority = new Authority('mesh');
  readonly #server: XdsServer;
  readonly #closers: (() => Promise<unknown> | void)[] = [];
  readonly #ports = new Map<PortName, number>();
  readonly #client: Envoy[] = [];
  readonly #serverEnvoy: Envoy[] = [];
  /** Block of addresses that no other test of the machine has. */
  readonly #block = `${64 + (process.pid % 60)}.${(process.pid >> 6) % 256}`;

  private constructor() {
    this.engine = aMesh();
    this.#server = new XdsServer({
      engine: this.engine,
      queries: { names: resourceNames, resource, scopes: scopesOf },
      clock: realClock,
      identifier: 'weir/test',
      observer: noObserver,
      secrets: this.secrets,
    });
  }

  static async start(binary: string): Promise<MutualTlsPair> {
    const pair = new MutualTlsPair();
    try {
      await pair.#start(binary);
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  async #start(binary: string): Promise<void> {
    for (const name of portNames) this.#ports.set(name, await this.#serve(name));
    const folder = await mkdtemp(join(tmpdir(), 'weir-mutual-tls-'));
    this.#closers.push(() => rm(folder, { recursive: true, force: true }));
    const ports = portNames.map((name) => `${name}:${this.#port(name)}` as const);
    put(
      this.engine,
      aService('api', { ports, addresses: [this.#serviceAddress] }),
      aPod('api-1', {
        addresses: [this.#workloadAddress],
        labels: { app: 'api', 'security.istio.io/tlsMode': 'istio' },
        serviceAccount: 'api',
      }),
      aPod('web-1', { addresses: [this.#clientAddress], serviceAccount: 'web' }),
      aShard('api', [this.#workloadAddress], { ports: Object.fromEntries(this.#ports) }),
    );
    this.secrets.give('trust-bundle', '', { kind: 'trust-bundle', certificates: this.#authority.certificate });
    this.rotate('web');
    this.rotate('api');
    this.#server.open();
    this.#serverEnvoy.push(await this.#startEnvoy(binary, folder, 'api', this.#workloadAddress));
    this.#client.push(await this.#startEnvoy(binary, folder, 'web', this.#clientAddress));
    for (const envoy of [...this.#client, ...this.#serverEnvoy]) await envoy.ready(AbortSignal.timeout(patience));
  }

  get #clientAddress(): string {
    return `127.${this.#block}.9`;
  }

  get #serviceAddress(): string {
    return `127.${this.#block}.1`;
  }

  get #workloadAddress(): string {
    return `127.${this.#block}.2`;
  }

  #port(name: PortName): number {
    return this.#ports.get(name) ?? 0;
  }

  /** A new key and certificate for an account. */
  rotate(account: string): void {
    const identity = spiffeId({ trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: account });
    const { certificate, key } = this.#authority.issue(account, identity);
    this.secrets.give('own-certificate', account, { kind: 'key-pair', privateKey: key, chain: [certificate] });
  }

  /** Rows that are in force at both Envoys when this settles. */
  async apply(...rows: readonly ARow[]): Promise<void> {
    put(this.engine, ...rows);
    await this.settled();
  }

  /** Until both Envoys have confirmed all that they are sent. */
  async settled(): Promise<void> {
    await this.#client[0]?.until(
      () =>
        Promise.resolve(
          this.#server
            .proxies()
            .flatMap(({ types }) => types)
            .every(({ state }) => state === 'synced'),
        ),
      AbortSignal.timeout(patience),
    );
  }

  /** Waits until the workload's Envoy has taken so many certificates. */
  async tookCertificates(count: number): Promise<void> {
    const [server] = this.#serverEnvoy;
    await server?.until(
      async () => (await server.stat('sds.default.update_success')) >= count,
      AbortSignal.timeout(patience),
    );
  }

  /** Waits until three calls in a row come out so; rejects with what they came out as instead. */
  async meets(port: PortName, outcome: Outcome): Promise<void> {
    let times = 0;
    let last: Outcome | undefined;
    const holds = async () => {
      last = await this.call(port);
      times = last === outcome ? times + 1 : 0;
      return times === 3;
    };
    await this.#client[0]?.until(holds, AbortSignal.timeout(patience)).catch(() => {
      throw new Error(`${port} came out as ${last} and not as ${outcome}`);
    });
  }

  /** One call of the client's application, by a connection of its own. */
  async call(port: PortName): Promise<Outcome> {
    const at = { host: this.#serviceAddress, port: this.#port(port) };
    if (port === 'http' || port === 'auto-http') return outcomeOf(await httpCall(at));
    if (port === 'auto-h2c') return outcomeOf(await http2Call(at));
    const before = await this.#handshakes(port);
    const answer = await tcpCall(at);
    if (answer !== 'echo') return 'refused';
    return (await this.#handshakes(port)) > before ? 'mutual TLS' : 'in the clear';
  }

  /** TLS handshakes that a port of the workload has done. */
  async #handshakes(port: PortName): Promise<number> {
    const [server] = this.#serverEnvoy;
    return (await server?.stat(`listener.${this.#workloadAddress}_${this.#port(port)}.ssl.handshake`)) ?? 0;
  }

  /**
   * Calls all ports all the time while something happens.
   *
   * @returns how many calls came out how
   */
  async callsDuring(happens: () => Promise<void>): Promise<Readonly<Record<Outcome, number>>> {
    const counts: Record<Outcome, number> = { 'in the clear': 0, 'mutual TLS': 0, refused: 0 };
    const over = new AbortController();
    const calling = portNames.map(async (port) => {
      while (!over.signal.aborted) counts[await this.call(port)] += 1;
    });
    try {
      await happens();
    } finally {
      over.abort();
      await Promise.all(calling);
    }
    return counts;
  }

  /** A counter of the client's Envoy for the cluster of a port. */
  async clientStat(port: PortName, name: string): Promise<number> {
    const cluster = `outbound|${this.#port(port)}||${aServiceKey('api').split('/')[1] ?? ''}`;
    return (await this.#client[0]?.stat(`cluster.${cluster}.${name}`)) ?? 0;
  }

  async stop(): Promise<void> {
    for (const envoy of [...this.#client, ...this.#serverEnvoy]) await envoy.stop();
    this.#server.close();
    for (const close of this.#closers.toReversed()) await close();
  }

  async #serve(name: PortName): Promise<number> {
    const server = applicationFor(name);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#closers.push(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  async #startEnvoy(binary: string, folder: string, account: string, address: string): Promise<Envoy> {
    const listener = await this.#listenFor(aCaller(account, { by: 'certificate' }));
    const bootstrap = aBootstrap(listener.address, { wire: 'delta', isAds: true });
    const node = {
      id: `sidecar~${address}~${account}-1.shop~shop.svc.cluster.local`,
      cluster: account,
      metadata: struct({
        NAMESPACE: 'shop',
        INTERCEPTION_MODE: 'NONE',
        SERVICE_ACCOUNT: account,
        ...(account === 'web' ? { WEIR_BOUND_ADDRESSES: `127.${this.#block}.0/24` } : {}),
      }),
    };
    return Envoy.start({
      binary,
      bootstrap: toJson('envoy.config.bootstrap.v3.Bootstrap', { ...bootstrap, node }),
      name: account,
      logFile: join(folder, `${account}.log`),
    });
  }

  /** Who comes here is taken for one account. */
  async #listenFor(caller: Caller): Promise<Listener> {
    const listener = await listen({
      kind: transportKinds[0],
      address: '127.0.0.1:0',
      handlers: xdsHandlers((transport, { wire, typeUrl }) => {
        this.#server.accept(transport, wire, { only: typeUrl, caller });
      }),
      tls: undefined,
      limits: defaultLimits,
      clock: realClock,
      random: Math.random,
      observer: noConnectionObserver,
    });
    this.#closers.push(() => listener.close(AbortSignal.timeout(1_000)));
    return listener;
  }

  /** How the proxies get their certificates. */
  get origins(): readonly string[] {
    return [...this.engine.rows(proxies)].map(({ secrets }) => secrets);
  }
}

function applicationFor(name: PortName): Server | Http2Server | TcpServer {
  switch (name) {
    case 'http':
    case 'auto-http':
      return createHttp((incoming, response) => response.end(String(incoming.headers['x-forwarded-client-cert'])));
    case 'auto-h2c':
      return createHttp2((incoming, response) => {
        response.end(String(incoming.headers['x-forwarded-client-cert']));
      });
    case 'tcp':
    case 'auto-tcp':
      return createTcp((socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', (bytes) => socket.end(bytes.toString() === 'call\n' ? 'echo' : 'what?'));
      });
  }
}

/** Over mutual TLS the application is told who called. */
function outcomeOf(body: string | undefined): Outcome {
  if (body === undefined) return 'refused';
  return body.includes('URI=spiffe://cluster.local/ns/shop/sa/web') ? 'mutual TLS' : 'in the clear';
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** The body of an answer 200. */
function httpCall(at: Place): Promise<string | undefined> {
  return new Promise((resolve) => {
    request({ ...at, agent: false, timeout: 3_000 })
      .on('response', (response) => {
        text(response).then(
          (body) => resolve(response.statusCode === 200 ? body : undefined),
          () => resolve(undefined),
        );
      })
      .on('error', () => resolve(undefined))
      .end();
  });
}

function http2Call({ host, port }: Place): Promise<string | undefined> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${host}:${port}`);
    const end = (body?: string): void => {
      session.destroy();
      resolve(body);
    };
    session.on('error', () => end());
    const stream = session.request({ ':path': '/' });
    let status = 0;
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('error', () => end());
    text(stream).then(
      (body) => end(status === 200 ? body : undefined),
      () => end(),
    );
  });
}

function tcpCall(at: Place): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(at, () => socket.write('call\n'));
    let answer = '';
    socket.on('data', (bytes) => (answer += bytes.toString()));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(answer));
  });
}
