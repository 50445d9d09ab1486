import process from 'node:process';

/** What a command gets from the process that it runs in, so that a test can run it in another. */
export interface Host {
  /** Without the program and the script. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard output: data, and nothing else. */
  readonly out: Output;
  /** Standard error: everything else. */
  readonly err: Output;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * A signal that is aborted when the process is told to stop. Told a second time, the process ends at once.
   *
   * @param onStop called the first time with the name of the signal
   */
  readonly untilStopped: (onStop: (name: string) => void) => AbortSignal;
  /** Calls back with an error that nobody caught, then ends the process: what state it is in is not known. */
  readonly onCrash: (report: (error: unknown) => void) => void;
}

export interface Output {
  readonly write: (text: string) => void;
  /** Whether a person is at the other end and has not asked for plain text (https://no-color.org). */
  readonly colours: boolean;
  readonly isTerminal: boolean;
}

/** The process itself. */
export function processHost(): Host {
  const environment = { ...process.env };
  return {
    arguments: process.argv.slice(2),
    environment,
    out: output(process.stdout, environment),
    err: output(process.stderr, environment),
    now: () => Date.now(),
    untilStopped,
    onCrash: (report) => {
      process.on('uncaughtException', (error) => {
        report(error);
        process.exit(internalError);
      });
    },
  };
}

function output(stream: NodeJS.WriteStream, environment: Host['environment']): Output {
  // Whoever reads may have had enough, as in `weir status | head`: then there is nobody to tell.
  stream.on('error', () => undefined);
  const isTerminal = stream.isTTY;
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    colours: isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb',
  };
}

/** As in sysexits(3). */
const internalError = 70;

/** Exit status of a process that a signal ended: 128 and the signal's number. */
const statusOf = { SIGINT: 130, SIGTERM: 143 } as const;

function untilStopped(onStop: (name: string) => void): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // Who asks twice does not want to wait.
      if (controller.signal.aborted) process.exit(statusOf[name]);
      onStop(name);
      controller.abort();
    });
  }
  return controller.signal;
}
