/** What the exit status of every command means; 69 and 70 are those of sysexits(3). */
export const exitCodes = {
  ok: 0,
  /** The command did its work, and what it looked at is not in order; or its work failed. */
  failure: 1,
  /** The command line, the environment or the configuration file is wrong. */
  usage: 2,
  /** Something that the command needs cannot be reached or is taken. */
  unavailable: 69,
  /** A bug of Weir. */
  internal: 70,
} as const;

/** Ends a command with a message for people: what is wrong, and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}
