import { describe, expect, it } from 'vitest';
import { splitLines } from './lines.ts';

async function linesOf(chunks: Iterable<Buffer>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(chunks)) lines.push(line.toString('utf8'));
  return lines;
}

/** The text in pieces of so many bytes. */
function inPieces(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

describe('lines of a stream', () => {
  it('come one by one, in whatever pieces they arrive, also pieces of a character (kubernetes/K9, kubernetes/K44)', async () => {
    const text = '{"name":"größe"}\n\n{"name":"日本"}\n{"name":"🦊"}\n';
    for (let size = 1; size <= 40; size++) {
      expect(await linesOf(inPieces(text, size))).toEqual(['{"name":"größe"}', '', '{"name":"日本"}', '{"name":"🦊"}']);
    }
  });

  it('do not include what no line feed ends', async () => {
    expect(await linesOf([Buffer.from('whole\nhal'), Buffer.from('f')])).toEqual(['whole']);
  });

  it('do not keep the memory of the connection alive', async () => {
    const chunk = Buffer.from('one\ntwo\nthr');
    const lines: Buffer[] = [];
    for await (const line of splitLines([chunk, Buffer.from('ee\n')])) lines.push(line);
    chunk.fill(0);
    expect(lines.map(String)).toEqual(['one', 'two', 'three']);
    expect(lines.every((line) => line.buffer !== chunk.buffer || line.byteOffset !== chunk.byteOffset)).toBe(true);
  });

  it('of several megabytes are copied a few times, not once per piece (kubernetes/K45)', async () => {
    const length = 8 << 20;
    let copied = 0;
    const copy = Buffer.prototype.copy;
    Buffer.prototype.copy = function counting(this: Buffer, ...parameters: Parameters<Buffer['copy']>) {
      const bytes = copy.apply(this, parameters);
      copied += bytes;
      return bytes;
    };
    try {
      const text = `${'x'.repeat(length)}\nshort\n`;
      expect((await linesOf(inPieces(text, 1024))).map((line) => line.length)).toEqual([length, 5]);
    } finally {
      Buffer.prototype.copy = copy;
    }
    expect(copied).toBeLessThan(4 * length);
  });
});
