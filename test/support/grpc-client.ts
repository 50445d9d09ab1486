import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { whoPath } from './grpc-resources.ts';

/** A gRPC client without a proxy, in a process of its own: its xDS is configured by its environment. */

export interface GrpcKind {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const grpcJs: GrpcKind = {
  name: 'grpc-js-xds',
  command: process.execPath,
  args: [fileURLToPath(new URL('./grpc-js-xds-client.ts', import.meta.url))],
  env: {},
};

/** @param packages folder that holds grpcio */
export function grpcPython(packages: string): GrpcKind {
  return {
    name: 'grpcio',
    command: 'python3',
    args: [fileURLToPath(new URL('./grpcio-client.py', import.meta.url))],
    env: { PYTHONPATH: packages },
  };
}

export class GrpcClient {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  /** When waiting is given up. */
  readonly #patience = Date.now() + 25_000;

  /**
   * @param address of the control plane, `host:port`
   * @param target for example `xds:///shop`
   */
  constructor({ command, args, env }: GrpcKind, address: string, target: string) {
    const bootstrap = {
      xds_servers: [{ server_uri: address, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
      // grpc-js insists on a locality.
      node: { id: 'sidecar~10.0.0.9~grpc-1.shop~shop.svc.cluster.local', locality: { region: 'here' } },
    };
    const environment = { ...process.env, ...env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) };
    this.#process = spawn(command, [...args, target, whoPath], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#process, 'close');
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('the client has no output');
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** One call: `ok NAME` or `error CODE DETAILS`. One at a time. */
  async call(): Promise<string> {
    this.#process.stdin?.write('\n');
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the client has ended');
    return value;
  }

  /** Calls until it gets this answer. */
  async until(answer: string): Promise<void> {
    for (let given = await this.call(); given !== answer; given = await this.call()) {
      if (Date.now() > this.#patience) throw new Error(`expected '${answer}', and the last answer was '${given}'`);
    }
  }

  /** Lets it go as a program that is done. */
  async leave(): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
