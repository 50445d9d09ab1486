import { pino } from 'pino';
import { formatText } from './log-text.ts';

/** The log: one line an entry, on whatever the composition root writes it to. What users wrote is a field, never part of the message. */

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose entries all carry the fields. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  /** The least important level that is written. */
  readonly level: LogLevel;
  /** `json` for machines, `text` for people. */
  readonly format: 'json' | 'text';
  /** Only for `text`. */
  readonly colours: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Takes one line, its end included. Must not throw. */
  readonly write: (line: string) => void;
}

/** Errors among the fields are written as their message and the messages of their causes. */
export function createLog({ level, format, colours, now, write }: LogOptions): Log {
  const destination = format === 'json' ? { write } : { write: (line: string) => write(formatText(line, colours)) };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: (fields) => plainFields(fields) },
      messageKey: 'message',
    },
    destination,
  );
  return around(logger);
}

/** A log that nobody reads. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
};

function around(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => around(logger.child(fields)),
  };
}

function plainFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describeError(value) : value]),
  );
}

/** An error's message, followed by those of its causes: what a person needs to see of it in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause === undefined ? message : `${message}: ${describeError(cause)}`;
}
