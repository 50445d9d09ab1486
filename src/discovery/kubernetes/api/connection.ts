import type { Readable } from 'node:stream';
import { describeError } from '../../../observe/log.ts';
import { ApiError } from './api-client.ts';

/** A way to an API server that carries many requests: one HTTP/2 connection, or a pool of HTTP/1.1 ones. */
export interface Connection {
  /** False: no request may be given to it any more. */
  readonly isOpen: boolean;
  /** It has answered before: what fails now may fail because it has died meanwhile. */
  readonly hasAnswered: boolean;
  /**
   * Settles when the head of the answer is there.
   *
   * @param signal ends the request, also while its body is read
   * @throws ApiError `unreachable` if the server cannot have seen the request, `broken` if it may have; the signal's reason
   */
  send(message: Message, signal: AbortSignal): Promise<Answer>;
  /** Takes no more requests, and ends when the last of those it has is answered. */
  retire(): void;
  /** Ends at once, and every request with it. */
  close(): void;
}

export interface Message {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Throws ApiError `broken` when it ends before it is complete, or the signal's reason. May be left unread, or half read. */
  readonly body: AsyncIterable<Buffer>;
  /** Nobody wants the body. */
  discard(): void;
}

/**
 * The body of an answer. Whoever stops reading it ends the request.
 *
 * Node's own iterator takes an HTTP/2 stream for broken that has ended with its data still unread.
 */
export async function* readBody(
  stream: Readable,
  isComplete: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  let wake = (): void => undefined;
  const events = ['readable', 'end', 'close'] as const;
  const onEvent = (): void => wake();
  for (const event of events) stream.on(event, onEvent);
  // Stays: an error may be told after it was seen, and one that nobody hears would end the process.
  stream.on('error', onEvent);
  try {
    for (;;) {
      signal.throwIfAborted();
      const chunk = stream.read() as Buffer | null;
      if (chunk !== null) yield chunk;
      else if (stream.readableEnded || stream.destroyed) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    if (!stream.readableEnded || !isComplete()) {
      const why = stream.errored === null ? 'it ended before the answer was complete' : describeError(stream.errored);
      throw new ApiError('broken', `the connection broke: ${why}`, { cause: stream.errored ?? undefined });
    }
  } finally {
    for (const event of events) stream.off(event, onEvent);
    stream.destroy();
  }
}

/** Ends what is going on when the signal is aborted, for as long as the stream is open. */
export function endWith(
  stream: { destroy(): unknown; once(event: 'close', listener: () => void): unknown },
  signal: AbortSignal,
): void {
  const end = (): void => void stream.destroy();
  signal.addEventListener('abort', end);
  stream.once('close', () => signal.removeEventListener('abort', end));
}
