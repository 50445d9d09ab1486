import { env } from 'node:process';
import { Remote } from '../../src/bench/remote.ts';
import type { LoadHandlers } from '../../src/bench/load/process.ts';
import { startWeirProcess } from '../../src/bench/start-weir-process.ts';
import type { ServerHandlers } from '../../src/bench/server-process.ts';
import type { WeirHandlers } from '../../src/bench/weir-process.ts';
import type { WeirSpec } from '../../src/bench/weir-under-test.ts';

/** The processes of a benchmark: the load client, and servers under test, each by itself. */

export type Load = Remote<LoadHandlers>;
export type Server<Spec> = Remote<ServerHandlers<Spec>>;

/** A server under test with its address. */
export interface Running<Handlers> {
  readonly remote: Handlers;
  readonly address: string;
}

const bench = new URL('../../src/bench/', import.meta.url);

/** Of the servers, for example `--cpu-prof --cpu-prof-dir=profiles` or `--max-semi-space-size=16`. */
const nodeArguments = (env['WEIR_BENCH_NODE_ARGUMENTS'] ?? '').split(' ').filter((argument) => argument !== '');

export class Processes implements AsyncDisposable {
  readonly #running: { stop(): Promise<void> }[] = [];

  load(): Load {
    return this.#keep(new Remote<LoadHandlers>(new URL('load/process', bench), { environment: env }));
  }

  async weir(spec: WeirSpec): Promise<Running<Remote<WeirHandlers>>> {
    const remote = this.#keep(startWeirProcess({ environment: env, nodeArguments }));
    return { remote, address: await remote.call('start', spec) };
  }

  /** @param name of a module in `variants/` */
  async variant<Spec>(name: string, spec: Spec): Promise<Running<Server<Spec>>> {
    const module = new URL(`variants/${name}`, import.meta.url);
    const remote = this.#keep(new Remote<ServerHandlers<Spec>>(module, { environment: env, nodeArguments }));
    return { remote, address: await remote.call('start', spec) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((process) => process.stop()));
  }

  #keep<Process extends { stop(): Promise<void> }>(process: Process): Process {
    this.#running.push(process);
    return process;
  }
}
