import { ApiError } from './api-client.ts';

const lineFeed = 0x0a;
/** No string of V8 is longer than 2^29 characters (K30). */
const longestLine = 2 ** 29 - 24;
/** A buffer that one long line has made larger than this is given back. */
const keptCapacity = 1 << 20;

/**
 * Splits a stream of bytes at its line feeds (K9). Each line is a buffer of its own and comes without its line feed; what no line feed ends
 * is dropped. A line in a thousand pieces is copied about twice, not a thousand times.
 *
 * @throws ApiError `malformed` for a line that could never become a string
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  let unfinished: Buffer = Buffer.alloc(0);
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      if (length === 0) {
        yield Buffer.from(chunk.subarray(start, end));
      } else {
        unfinished = appended(unfinished, length, chunk.subarray(start, end));
        length += end - start;
        yield Buffer.from(unfinished.subarray(0, length));
        length = 0;
        if (unfinished.length > keptCapacity) unfinished = Buffer.alloc(0);
      }
      start = end + 1;
    }
    if (start < chunk.length) {
      unfinished = appended(unfinished, length, chunk.subarray(start));
      length += chunk.length - start;
    }
    if (length > longestLine) throw new ApiError('malformed', `a line of more than ${longestLine} bytes`);
  }
}

/** Copies the piece behind the first `length` bytes, into a buffer of at least twice the size where it does not fit. */
function appended(buffer: Buffer, length: number, piece: Buffer): Buffer {
  let target = buffer;
  if (length + piece.length > buffer.length) {
    target = Buffer.allocUnsafeSlow(Math.max(2 * (length + piece.length), 4096));
    buffer.copy(target, 0, 0, length);
  }
  piece.copy(target, length);
  return target;
}
