import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A program that runs beside this one: what it says goes to a log file, and it never outlives its owner. */

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Everything that the program says, appended. */
  readonly logFile: string;
  /** How errors call it. */
  readonly name: string;
  /** In which it runs; default: that of this program. */
  readonly folder?: string;
}

/** A program ended that should be running; the message holds its last words. */
export class EndedEarly extends Error {
  override readonly name = 'EndedEarly';
}

/** Lines kept for the message about a program that ended too early. */
const rememberedLines = 12;
/** Milliseconds between asking a program to end and ending it. */
const patience = 5_000;

/** Programs still running, for the case that this process ends without stopping them. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #readers = new Set<(line: string) => void>();
  /** Settles, always well, when the program has ended. */
  readonly ended: Promise<void>;
  #isStopping = false;
  #hasEnded = false;

  constructor({ command, args, logFile, name, folder }: ChildOptions) {
    this.name = name;
    // In a process group of its own: Ctrl-C reaches the owner alone, which ends its children in order.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, cwd: folder });
    this.#process = child;
    running.add(child);
    const log = createWriteStream(logFile, { flags: 'a' });
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => this.#hear(line, log));
    // `close` comes after the last line was read; a program that cannot be started has `error` and no `exit`.
    this.ended = Promise.race([once(child, 'close'), once(child, 'error')]).then(
      () => this.#end(log),
      (error: unknown) => {
        this.#lines.push(String(error));
        this.#end(log);
      },
    );
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** True from the moment at which its end was asked for. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** The first line, said already or from now on, that matches; rejects if the program ends without saying it. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (const said of this.#lines) {
      const match = pattern.exec(said);
      if (match !== null) return match;
    }
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const reader = (line: string): void => {
      const match = pattern.exec(line);
      if (match !== null) resolve(match);
    };
    this.#readers.add(reader);
    void this.ended.then(() => reject(this.endedEarly()));
    return promise.finally(() => this.#readers.delete(reader));
  }

  /** What to throw when the program ended and should not have. */
  endedEarly(): EndedEarly {
    const { exitCode, signalCode } = this.#process;
    const how = exitCode === null ? (signalCode ?? 'never having run') : `exit code ${exitCode}`;
    const words = this.#lines.length === 0 ? 'it said nothing' : `its last words:\n  ${this.#lines.join('\n  ')}`;
    return new EndedEarly(`${this.name} ended with ${how}; ${words}`);
  }

  /** Asks the program to end, and ends it if it does not. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#hasEnded) return;
    this.#process.kill('SIGTERM');
    const impatient = setTimeout(() => this.#process.kill('SIGKILL'), patience);
    await this.ended;
    clearTimeout(impatient);
  }

  /** Ends the program without a chance to clean up, as a crash would. */
  async kill(): Promise<void> {
    this.#isStopping = true;
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  #hear(line: string, log: NodeJS.WritableStream): void {
    if (this.#lines.push(line) > rememberedLines) this.#lines.shift();
    if (!this.#hasEnded) log.write(`${line}\n`);
    for (const reader of this.#readers) reader(line);
  }

  #end(log: NodeJS.WritableStream): void {
    this.#hasEnded = true;
    running.delete(this.#process);
    log.end();
  }
}
