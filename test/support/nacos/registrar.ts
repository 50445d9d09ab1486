import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { NacosAccount } from './nacos-server.ts';
import type { NacosPrograms } from './programs.ts';

/** An application that registers itself with the official Java client: what Spring Cloud and Dubbo do. */

export interface RegistrarOptions {
  readonly programs: NacosPrograms;
  /** `host:port` of the nodes. */
  readonly servers: readonly string[];
  readonly account?: NacosAccount | undefined;
  /** Id of a namespace; default: `public`. */
  readonly namespace?: string;
}

/** As the Java client has it; what is left out has its defaults. */
export interface RegisteredInstance {
  readonly ip: string;
  readonly port: number;
  readonly weight?: number;
  readonly healthy?: boolean;
  readonly enabled?: boolean;
  readonly ephemeral?: boolean;
  readonly clusterName?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface ServiceName {
  readonly service: string;
  /** Default: `DEFAULT_GROUP`. */
  readonly group?: string;
}

/** One command, carried out when the server has answered. */
export type RegistrarCommand =
  /** Replaces the instance that this client has registered with the service. */
  | ({ readonly do: 'register' | 'deregister'; readonly instance: RegisteredInstance } & ServiceName)
  /** Several instances of one service by one client, which `register` does not allow. */
  | ({
      readonly do: 'registerAll' | 'deregisterSome';
      readonly instances: readonly RegisteredInstance[];
    } & ServiceName)
  | { readonly do: 'publish'; readonly dataId: string; readonly group?: string; readonly content: string }
  | { readonly do: 'unpublish'; readonly dataId: string; readonly group?: string };

/** The client refused, or the server did. */
export class RegistrarError extends Error {
  override readonly name = 'RegistrarError';
}

interface Answer {
  readonly ok: boolean;
  readonly code?: number;
  readonly message?: string;
}

/** Processes still running, for the case that this one ends without stopping them. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Registrar {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #words: string[] = [];
  /** Settles when the last command is answered: answers come in the order of the commands. */
  #last: Promise<void> = Promise.resolve();

  private constructor(child: ChildProcess, output: Interface, errors: Interface) {
    this.#process = child;
    this.#answers = output[Symbol.asyncIterator]();
    errors.on('line', (line) => {
      if (this.#words.push(line) > 12) this.#words.shift();
    });
  }

  /** Settles when the client is made; it need not be connected by then. */
  static async start({ programs, servers, account, namespace }: RegistrarOptions): Promise<Registrar> {
    const classes = ['nacos-for-tests.jar', 'libraries/*'].map((path) => join(programs.folder, path)).join(':');
    const flags = ['-Xms16m', '-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    // Its logs and its copy of what it has read would go to the home folder.
    const silent = [
      '-Dnacos.logging.default.config.enabled=false',
      '-DJM.LOG.PATH=/dev/null',
      '-DJM.SNAPSHOT.PATH=/dev/null',
    ];
    const child = spawn(programs.java, [...flags, ...silent, '-cp', classes, 'weir.Registrar'], { detached: true });
    running.add(child);
    child.once('close', () => running.delete(child));
    const registrar = new Registrar(
      child,
      createInterface({ input: child.stdout }),
      createInterface({ input: child.stderr }),
    );
    await registrar.#exchange({
      serverAddr: servers.join(','),
      ...(namespace === undefined ? {} : { namespace }),
      ...account,
    });
    return registrar;
  }

  /** @throws RegistrarError with the reason of the client or of the server */
  async do(command: RegistrarCommand): Promise<void> {
    await this.#exchange(command);
  }

  /** Ends as an application does that is stopped without taking its leave: its connection ends, and what was registered goes. */
  async stop(): Promise<void> {
    if (!running.has(this.#process)) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'close');
  }

  #exchange(command: object): Promise<void> {
    const answered = this.#last.then(() => this.#answer(command));
    this.#last = answered.catch(() => undefined);
    return answered;
  }

  async #answer(command: object): Promise<void> {
    this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
    const said = await this.#answers.next();
    if (said.done === true) throw new RegistrarError(`the registrar ended; its last words: ${this.#words.join('\n')}`);
    const { ok, code, message } = JSON.parse(said.value) as Answer;
    if (!ok) throw new RegistrarError(`${code}: ${message} (${JSON.stringify(command)})`);
  }
}
