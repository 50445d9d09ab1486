import { ConnectionError } from './errors.ts';

/** HPACK's Huffman code (RFC 7541 section 5.2 and appendix B). */

/** Bits of the code of each byte, then of the end of a string. The code is canonical, so the lengths say everything. */
// prettier-ignore
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const endOfString = 256;

/** The code as a tree: at 2n and 2n + 1 what follows node n for a bit of 0 and 1: a node, or -1 - a symbol. */
const tree = buildTree();

function buildTree(): Int16Array {
  const nodes = new Int16Array(2 * codeLengths.length);
  let count = 1;
  for (const { symbol, code, length } of canonicalCodes()) {
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const place = 2 * node + ((code >>> bit) & 1);
      const next = nodes[place] ?? 0;
      node = next === 0 ? (nodes[place] = count++) : next;
    }
    nodes[2 * node + (code & 1)] = -1 - symbol;
  }
  return nodes;
}

/** Short codes before long ones, symbols of one length in ascending order, each code the one before plus one. */
function canonicalCodes() {
  const symbols = codeLengths.map((length, symbol) => ({ symbol, length }));
  let code = 0;
  let previous = 0;
  return symbols
    .toSorted((a, b) => a.length - b.length || a.symbol - b.symbol)
    .map(({ symbol, length }) => {
      code <<= length - previous;
      previous = length;
      return { symbol, length, code: code++ };
    });
}

/** @throws ConnectionError (COMPRESSION_ERROR) when the bytes are no Huffman code or end wrongly */
export function decodeHuffman(bytes: Buffer): string {
  // No code is shorter than five bits.
  const text = Buffer.allocUnsafe(Math.floor((bytes.length * 8) / 5));
  let size = 0;
  let node = 0;
  let depth = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const next = tree[2 * node + ((byte >>> bit) & 1)] ?? 0;
      depth++;
      if (next > 0) {
        node = next;
        continue;
      }
      if (next === -1 - endOfString) throw new ConnectionError('COMPRESSION_ERROR', 'a string holds its own end');
      text[size++] = -1 - next;
      node = 0;
      depth = 0;
    }
  }
  // What is left of the last byte is the beginning of the end: ones, and fewer than eight.
  const padding = bytes.length === 0 ? 0 : (bytes[bytes.length - 1] ?? 0) & ((1 << Math.min(depth, 7)) - 1);
  if (depth > 7 || padding !== (1 << depth) - 1) {
    throw new ConnectionError('COMPRESSION_ERROR', 'a string is padded by something else than ones');
  }
  return text.toString('latin1', 0, size);
}
