import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError } from '../observe/log.ts';

/** Calls into another process over its IPC channel. Values travel as copies; Buffers, typed arrays and Maps stay what they are. */

/** What a process answers to: one parameter each, and a result that may be a promise. */
export type Handlers = Readonly<Record<string, (parameter: never) => unknown>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly parameter: unknown;
}

type Answer =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly message: string };

export interface RemoteOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of Node, for example `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Another process of ours, which ends with this one. */
export class Remote<Answering extends Handlers> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  /**
   * Starts a module in a process of its own.
   *
   * @param module of this folder tree, as a URL without its extension: `.ts` in a checkout, `.js` in the package
   */
  constructor(module: URL, { environment, nodeArguments = [] }: RemoteOptions) {
    this.#child = fork(`${fileURLToPath(module)}${extname(import.meta.filename)}`, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--expose-gc', ...nodeArguments],
      env: environment,
    });
    this.#child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.kind === 'result') waiting?.resolve(answer.value);
      else waiting?.reject(new Error(answer.message));
    });
    this.#child.on('exit', (code, signal) => {
      const error = new Error(`a process of the benchmark ended early (${signal ?? `exit status ${code}`})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** @throws what the other process threw, as an error with its text */
  call<Name extends keyof Answering & string>(
    name: Name,
    parameter: Parameters<Answering[Name]>[0],
  ): Promise<Awaited<ReturnType<Answering[Name]>>> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Awaited<ReturnType<Answering[Name]>>), reject });
      this.#child.send({ id, name, parameter } satisfies Call);
    });
  }

  /** Ends the process and waits until it is gone. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve());
    });
    this.#child.disconnect();
    await gone;
  }
}

/** Answers the calls of the process that started this one, one after another or at once, and ends with it. */
export function answerCalls(handlers: Handlers): void {
  process.on('message', ({ id, name, parameter }: Call) => {
    const send = (answer: Answer): void => {
      if (process.connected) process.send?.(answer);
    };
    const answer = async (): Promise<unknown> => handlers[name]?.(parameter as never);
    answer().then(
      (value) => send({ kind: 'result', id, value }),
      (error: unknown) => send({ kind: 'error', id, message: describeError(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
