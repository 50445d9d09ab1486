import fc from 'fast-check';
import { expect, it } from 'vitest';
import { clientPreface, rawFrame } from '../../../../test/support/raw-http2.ts';
import { ConnectionError } from './errors.ts';
import { FrameReader } from './frames.ts';

/** What a reader tells of bytes that come in pieces: frames in order, the pieces of DATA put together. */
function read(...pieces: readonly Buffer[]): readonly string[] {
  const told: string[] = [];
  let data = '';
  const reader = new FrameReader({
    dataBegun: ({ stream, length }) => {
      data = `data ${stream} ${length} `;
    },
    dataRead: (_, bytes, isEnd) => {
      data += bytes.toString('hex');
      if (isEnd) told.push(data);
    },
    frameRead: ({ type, flags, stream }, payload) => told.push(`${type} ${flags} ${stream} ${payload.toString('hex')}`),
  });
  for (const piece of pieces) reader.push(piece);
  return told;
}

it('frames are the same however their bytes are cut (hot-path/H708)', () => {
  const aFrame = fc.record({
    type: fc.integer({ min: 0, max: 12 }),
    stream: fc.nat(9),
    payload: fc.uint8Array({ maxLength: 40 }),
    padding: fc.option(fc.nat(20)),
  });
  fc.assert(
    fc.property(fc.array(aFrame, { maxLength: 8 }), fc.array(fc.nat(500), { maxLength: 40 }), (frames, places) => {
      const whole = frames.map(({ type, stream, payload, padding }) => {
        if (type > 0 || padding === null) return rawFrame(type, 0, stream, payload);
        return rawFrame(0, 8, stream, Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding, 0xaa)]));
      });
      const bytes = Buffer.concat([clientPreface, ...whole]);
      const bounds = [
        0,
        ...places.map((place) => Math.min(place, bytes.length)).toSorted((a, b) => a - b),
        bytes.length,
      ];
      const pieces = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
      const expected = frames.map(({ type, stream, payload, padding }) => {
        const content = Buffer.from(payload).toString('hex');
        if (type > 0) return `${type} 0 ${stream} ${content}`;
        return `data ${stream} ${payload.length + (padding === null ? 0 : padding + 1)} ${content}`;
      });
      expect(read(...pieces)).toEqual(expected);
    }),
    { seed: 9113, numRuns: 500 },
  );
});

it('payloads are views of what came, and nothing of a whole frame is kept (hot-path/H708, hot-path/H1105)', () => {
  const bytes = Buffer.concat([clientPreface, rawFrame(0, 0, 1, Buffer.from('abc'))]);
  let seen: Buffer | undefined;
  const reader = new FrameReader({
    dataBegun: () => undefined,
    dataRead: (_, part) => {
      seen = part;
    },
    frameRead: () => undefined,
  });
  reader.push(bytes);
  expect(seen?.buffer).toBe(bytes.buffer);
});

it.each([
  ['what is no HTTP/2', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
  ['a preface that goes wrong later', [clientPreface.subarray(0, 20), Buffer.from('nope')]],
  ['a frame above 16 KiB, before it has come', [clientPreface, rawFrame(1, 0, 1, Buffer.of(), 16_385)]],
  ['more padding than payload', [clientPreface, rawFrame(0, 8, 1, Buffer.of(3, 1, 2))]],
  ['padding without its length', [clientPreface, rawFrame(0, 8, 1)]],
])('%s is refused (hot-path/H708, reliability/S40)', (_, pieces) => {
  expect(() => read(...pieces)).toThrow(ConnectionError);
});
