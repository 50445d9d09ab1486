import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FramingError, MessageAssembler, percentEncode, writePrefix } from './framing.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  writePrefix(head, message.length);
  return Buffer.concat([head, message]);
}

function assemble(pieces: readonly Uint8Array[], largest = 1_000): { messages: readonly string[]; isInside: boolean } {
  const assembler = new MessageAssembler(largest);
  const messages: string[] = [];
  for (const piece of pieces) assembler.push(piece, (message) => messages.push(Buffer.from(message).toString('hex')));
  return { messages, isInside: assembler.isInside };
}

describe('messages', () => {
  it('are the same however their bytes are cut (hot-path/H705)', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    const cuts = fc.array(fc.nat(400), { maxLength: 30 });
    fc.assert(
      fc.property(messages, cuts, (originals, places) => {
        const bytes = Buffer.concat(originals.map(framed));
        const bounds = [
          0,
          ...places.map((place) => Math.min(place, bytes.length)).toSorted((a, b) => a - b),
          bytes.length,
        ];
        const pieces = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
        expect(assemble(pieces)).toEqual({
          messages: originals.map((original) => Buffer.from(original).toString('hex')),
          isInside: false,
        });
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  it('in pieces of a byte each keep little more than their bytes (reliability/SC25)', async () => {
    const message = Buffer.from(Array.from({ length: 3_000 }, (_, index) => index % 251));
    const assembler = new MessageAssembler(10_000);
    const received: string[] = [];
    const held: WeakRef<ArrayBufferLike>[] = [];
    for (const byte of framed(message).subarray(0, -1)) {
      const piece = Buffer.alloc(1, byte);
      held.push(new WeakRef(piece.buffer));
      assembler.push(piece, (whole) => received.push(Buffer.from(whole).toString('hex')));
    }
    // What was made in a turn of the event loop lives until its end.
    await new Promise(setImmediate);
    collectGarbage();
    expect(held.filter((each) => each.deref() !== undefined).length).toBeLessThan(300);
    assembler.push(message.subarray(-1), (whole) => received.push(Buffer.from(whole).toString('hex')));
    expect(received).toEqual([message.toString('hex')]);
  });

  it('are not copied when they come whole', () => {
    const bytes = framed(Buffer.from('whole'));
    new MessageAssembler(10).push(bytes, (message) => expect(message.buffer).toBe(bytes.buffer));
  });

  it.each([[1], [4], [5], [7]])('are known to be unfinished after %i bytes', (count) => {
    expect(assemble([framed(Buffer.from('whole')).subarray(0, count)])).toEqual({ messages: [], isInside: true });
  });

  it('are refused by their length alone when they are too large (xds-protocol/X11)', () => {
    const [small, large] = [framed(Buffer.alloc(1_000)), framed(Buffer.alloc(1_001)).subarray(0, 5)];
    expect(assemble([small]).messages).toHaveLength(1);
    expect(() => assemble([large])).toThrow(expect.objectContaining({ status: 'RESOURCE_EXHAUSTED' }));
  });

  it('are refused when they are compressed, after those before them were delivered (hot-path/H1001)', () => {
    const assembler = new MessageAssembler(10);
    const delivered: number[] = [];
    const bytes = Buffer.concat([framed(Buffer.from('good')), Buffer.from([1, 0, 0, 0, 1, 0])]);
    expect(() => assembler.push(bytes, (message) => delivered.push(message.length))).toThrow(FramingError);
    expect(delivered).toEqual([4]);
  });
});

describe('grpc-message', () => {
  it.each([
    ['plain text, with a ~', 'plain text, with a ~'],
    ['100 %\n', '100 %25%0A'],
    ['größer', 'gr%C3%B6%C3%9Fer'],
  ])('of %j is %j', (text, encoded) => {
    expect(percentEncode(text)).toBe(encoded);
    expect(decodeURIComponent(encoded)).toBe(text);
  });
});
