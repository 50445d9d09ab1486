import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child } from '../../deploy/demo/child.ts';
import { httpGet } from '../../deploy/demo/echo-service.ts';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { reservePorts } from '../../deploy/demo/mesh.ts';

/**
 * A mesh whose proxies show who they are: `weir serve` with an authority in a directory and TLS, and the workload `api-1` of account `api`, which
 * takes mutual TLS alone. Everything is done by the commands that a user has.
 */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));

/** Block of addresses that no other test of the machine has. */
const block = `127.${124 + (process.pid % 60)}.${(process.pid >> 6) % 256}`;

const serverAddress = `${block}.2`;

export function addressOf(workload: string): string {
  return workload === 'api-1' ? serverAddress : `${block}.9`;
}

/** Whom an Envoy is for. */
export interface Joining {
  readonly workload: string;
  readonly account: string;
  /** Where its token is; undefined: none is given. */
  readonly token: string;
  readonly roots?: string;
  /** Port of 127.0.0.1 on which it takes requests to any service. */
  readonly proxyPort?: number;
}

export class JoinedMesh {
  readonly folder: string;
  readonly weir: Child;
  /** `host:port`. */
  readonly xds: string;
  readonly #admin: string;
  readonly #binary: string;
  readonly #closers: (() => Promise<unknown> | void)[];
  readonly #applicationPort: number;

  private constructor(options: {
    readonly folder: string;
    readonly weir: Child;
    readonly xds: string;
    readonly admin: string;
    readonly binary: string;
    readonly closers: (() => Promise<unknown> | void)[];
    readonly applicationPort: number;
  }) {
    this.folder = options.folder;
    this.weir = options.weir;
    this.xds = options.xds;
    this.#admin = options.admin;
    this.#binary = options.binary;
    this.#closers = options.closers;
    this.#applicationPort = options.applicationPort;
  }

  /** @param binary of Envoy @param authority files that stand in the authority's directory before Weir starts */
  static async start(binary: string, authority: Readonly<Record<string, string>> = {}): Promise<JoinedMesh> {
    const folder = await mkdtemp(join(tmpdir(), 'weir-joined-'));
    const closers = [() => rm(folder, { recursive: true, force: true })] as (() => Promise<unknown> | void)[];
    const application = createServer((incoming, response) => {
      response.end(String(incoming.headers['x-forwarded-client-cert']));
    }).listen(0, '127.0.0.1');
    closers.push(() => void application.close());
    await once(application, 'listening');
    const applicationPort = (application.address() as AddressInfo).port;
    await Promise.all([mkdir(join(folder, 'mesh')), mkdir(join(folder, 'ca'), { mode: 0o700 })]);
    await writeFile(join(folder, 'mesh', 'shop.yaml'), meshOf(applicationPort));
    for (const [name, text] of Object.entries(authority))
      await writeFile(join(folder, 'ca', name), text, { mode: 0o600 });
    const args = ['serve', '--files', 'mesh', '--ca-dir', 'ca', '--xds-tls', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
    const weir = new Child({ command: launcher, args, folder, logFile: join(folder, 'weir.log'), name: 'weir' });
    closers.push(() => weir.stop());
    const [, xds = '', admin = ''] = await weir.line(/ready: xds (\S+:\d+) \(TLS\), admin (http:\/\/\S+:\d+)/);
    const mesh = new JoinedMesh({ folder, weir, xds, admin, binary, closers, applicationPort });
    await mesh.command('roots.pem', 'ca', 'roots', '--ca-dir', 'ca');
    return mesh;
  }

  async stop(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close();
  }

  /** `weir ARGS > FILE`, in the folder. */
  async command(file: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(launcher, [...args], { cwd: this.folder });
    await this.write(file, stdout);
    return stdout;
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.folder, file), text);
  }

  read(file: string): Promise<string> {
    return readFile(join(this.folder, file), 'utf8');
  }

  /** `weir token … > FILE`. */
  async token(file: string, account: string, instance: string, lifetime = '1h'): Promise<void> {
    const who = ['--namespace', 'shop', '--service-account', account, '--instance', instance];
    await this.command(file, 'token', '--ca-dir', 'ca', ...who, '--lifetime', lifetime);
  }

  /** What `weir bootstrap` prints. */
  async bootstrap({ workload, account, token, roots = 'roots.pem', proxyPort }: Joining): Promise<string> {
    const node = ['--workload', workload, '--namespace', 'shop', '--service-account', account];
    const place = ['--ip', addressOf(workload), '--interception', 'none'];
    const port = proxyPort === undefined ? [] : ['--http-proxy-port', String(proxyPort)];
    const trust = ['--xds', this.xds, '--root-certificate', roots, '--token-file', token, '--admin-port', '0'];
    return this.command(`${workload}.json`, 'bootstrap', ...node, ...place, ...port, ...trust);
  }

  async startEnvoy(name: string, bootstrap: string): Promise<Envoy> {
    const files = { logFile: join(this.folder, `${name}.log`), folder: this.folder };
    const started = await Envoy.start({ binary: this.#binary, bootstrap: JSON.parse(bootstrap), name, ...files });
    this.#closers.push(() => started.stop());
    return started;
  }

  /** An Envoy that has everything. */
  async join(joining: Joining): Promise<Envoy> {
    const envoy = await this.startEnvoy(joining.workload, await this.bootstrap(joining));
    await envoy.ready(AbortSignal.timeout(10_000));
    return envoy;
  }

  /** What a request through that port came to: what `api-1` was told of the caller, or the status. */
  async call(proxyPort: number): Promise<string> {
    const headers = { host: 'api' };
    const { status, body } = await httpGet({ host: '127.0.0.1', port: proxyPort, path: 'http://api/', headers });
    return status === 200 ? body : `status ${status}`;
  }

  /** The same without the mesh, straight to the workload. */
  async callInTheClear(): Promise<string> {
    const { status } = await httpGet({ host: serverAddress, port: this.#applicationPort, path: '/' });
    return `status ${status}`;
  }

  /** A value of `/metrics`, by the series' whole name. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`${this.#admin}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  }

  log(): Promise<string> {
    return this.read('weir.log');
  }
}

/** A port of this machine that nobody has. */
export async function aProxyPort(): Promise<number> {
  const { ports, release } = await reservePorts(1);
  await release();
  return ports[0] ?? 0;
}

function meshOf(port: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: api, namespace: shop }
spec:
  selector: { app: api }
  ports: [{ name: http, port: 80, targetPort: http }]
---
apiVersion: v1
kind: Pod
metadata: { name: api-1, namespace: shop, labels: { app: api, security.istio.io/tlsMode: istio } }
spec:
  serviceAccountName: api
  containers: [{ name: api, ports: [{ name: http, containerPort: ${port} }] }]
status:
  podIP: ${serverAddress}
  conditions: [{ type: Ready, status: "True" }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
`;
}
