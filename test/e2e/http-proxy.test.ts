import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import type { Json } from '../../src/xds/json.ts';
import { goldenCases } from '../golden/cases.ts';
import { renderCase } from '../golden/rendering.ts';
import { staticBootstrap } from '../golden/static-bootstrap.ts';
import { envoyForTests } from '../support/envoy.ts';

/** What clients of the HTTP proxy port meet: a real Envoy with what the golden `interception-none/client` says it is sent. */

const binary = await envoyForTests();
const cart = 'outbound|80||cart.shop.svc.cluster.local';
const cartAdmin = 'outbound|8080||cart.shop.svc.cluster.local';
const database = 'outbound|5432||db.shop.svc.cluster.local';

type JsonObject = Readonly<Record<string, Json>>;

function member(json: Json | undefined, name: string): Json | undefined {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject)[name] : undefined;
}

function textOf(json: Json | undefined): string {
  return typeof json === 'string' ? json : '';
}

function membersOf(json: Json | undefined): readonly JsonObject[] {
  return Array.isArray(json) ? json : [];
}

/** The golden's proxy port, on any free port, in front of servers of ours. */
function bootstrap(ports: Readonly<Record<string, number>>): Json {
  const golden = goldenCases().find(({ name }) => name === 'interception-none/client');
  if (golden === undefined) throw new Error('the golden interception-none/client is gone');
  const resources = member(staticBootstrap(renderCase(golden)), 'staticResources');
  const clusters = membersOf(member(resources, 'clusters')).map((cluster) => {
    const clusterName = textOf(cluster['name']);
    const port = ports[clusterName];
    if (port === undefined) return cluster;
    const endpoint = { address: { socketAddress: { address: '127.0.0.1', portValue: port } } };
    return { ...cluster, loadAssignment: { clusterName, endpoints: [{ lbEndpoints: [{ endpoint }] }] } };
  });
  const listeners = membersOf(member(resources, 'listeners'))
    .filter(({ name }) => name === '127.0.0.1_15080')
    .map((listener) => ({ ...listener, address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } }));
  const admin = { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } };
  return { admin, staticResources: { clusters, listeners } };
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function anHttpServer(name: string): HttpServer {
  return createHttpServer((_, response) => response.end(name));
}

describe.skipIf(binary === undefined)('the HTTP proxy port (policy/P351)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-http-proxy-'));
  const servers: readonly Server[] = [
    anHttpServer('cart'),
    anHttpServer('cart admin'),
    createTcpServer((socket) => void socket.on('error', () => socket.destroy()).end('welcome to the database')),
  ];
  let envoy: Envoy | undefined;
  let proxyPort = 0;

  beforeAll(async () => {
    const [cartPort = 0, adminPort = 0, databasePort = 0] = await Promise.all(servers.map(portOf));
    const ports = { [cart]: cartPort, [cartAdmin]: adminPort, [database]: databasePort };
    const logFile = join(folder, 'envoy.log');
    envoy = await Envoy.start({ binary: binary ?? '', bootstrap: bootstrap(ports), name: 'envoy', logFile });
    await envoy.ready(AbortSignal.timeout(10_000));
    const [, address = ''] = (await envoy.text('/listeners')).trim().split('::');
    proxyPort = Number(address.slice(address.lastIndexOf(':') + 1));
  });

  afterAll(async () => {
    await envoy?.stop();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(folder, { recursive: true });
  });

  /** A request as clients send it to an HTTP proxy. */
  async function get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: proxyPort, path: url, headers: { host: new URL(url).host }, agent: false })
        .on(
          'response',
          (response) => void text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject),
        )
        .on('error', reject)
        .end();
    });
  }

  /** The first bytes through a tunnel, or the status with which the proxy refuses to open it. */
  async function tunnel(target: string): Promise<string> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: proxyPort, method: 'CONNECT', path: target, agent: false })
        .on('connect', (response, socket, head) => {
          if (response.statusCode !== 200) {
            socket.destroy();
            resolve(String(response.statusCode));
          } else if (head.length > 0) resolve(head.toString());
          else socket.once('data', (bytes: Buffer) => resolve(bytes.toString()));
          socket.on('error', reject);
        })
        .on('error', reject)
        .end();
    });
  }

  it('serves absolute URLs, port 80 also by bare names', async () => {
    expect(await get('http://cart/')).toBe('200 cart');
    expect(await get('http://cart.shop.svc.cluster.local:80/')).toBe('200 cart');
    expect(await get('http://cart.shop:8080/')).toBe('200 cart admin');
  });

  it('says so when it does not know a host or port', async () => {
    const answer = '502 weir: no service of the mesh has this name and port\n';
    expect(await get('http://nobody/')).toBe(answer);
    expect(await get('http://cart:81/')).toBe(answer);
  });

  it('opens tunnels to services that do not speak HTTP', async () => {
    expect(await tunnel('db:5432')).toBe('welcome to the database');
  });

  it('opens no tunnel past the rules for requests, nor to strangers', async () => {
    expect(await tunnel('cart:80')).toBe('404');
    expect(await tunnel('www.example.com:443')).toBe('404');
  });
});
