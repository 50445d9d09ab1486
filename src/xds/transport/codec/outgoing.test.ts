import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue, dataFrames, MessageFramer } from './outgoing.ts';

/** The payloads of DATA frames, and their stream. */
function payloadsOf(bytes: Buffer): readonly { readonly stream: number; readonly payload: Buffer }[] {
  const payloads = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    payloads.push({ stream: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return payloads;
}

describe('a message', () => {
  it('is what it was, whatever its parts, the frames and the windows are (hot-path/H704, hot-path/H708)', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        parts,
        fc.array(fc.integer({ min: 1, max: 60 })),
        fc.integer({ min: 1, max: 30 }),
        (pieces, windows, largest) => {
          const queue = new ByteQueue();
          queue.push(pieces);
          const sent: Uint8Array[] = [];
          for (const window of [...windows, queue.length]) {
            sent.push(...dataFrames(queue, Math.min(window, queue.length), 7, largest));
          }
          const frames = payloadsOf(Buffer.concat(sent));
          expect(queue.length).toBe(0);
          expect(Buffer.concat(frames.map(({ payload }) => payload))).toEqual(Buffer.concat(pieces));
          for (const { stream, payload } of frames) {
            expect(stream).toBe(7);
            expect(payload.length).toBeLessThanOrEqual(largest);
          }
        },
      ),
      { seed: 708, numRuns: 500 },
    );
  });

  it('that is small is put together once for all streams of the same number (hot-path/H312, hot-path/H708)', () => {
    const framer = new MessageFramer();
    const parts = [Buffer.from('head'), Buffer.from('body')];
    const first = framer.frames(parts, 8, 1, 16_384);
    expect(first).toHaveLength(1);
    expect(framer.frames(parts, 8, 1, 16_384)).toBe(first);
    const [other] = framer.frames(parts, 8, 3, 16_384);
    expect(payloadsOf(Buffer.from(other ?? []))).toEqual([{ stream: 3, payload: Buffer.from('headbody') }]);
  });

  it('that is large is never copied (hot-path/H704, hot-path/H708)', () => {
    const parts = [Buffer.alloc(30_000, 1), Buffer.alloc(30_000, 2)];
    const pieces = new MessageFramer().frames(parts, 60_000, 1, 16_384);
    for (const piece of pieces) {
      if (piece.length > 9) expect(parts.map(({ buffer }) => buffer)).toContain(piece.buffer);
    }
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(60_000 + 4 * 9);
  });
});
