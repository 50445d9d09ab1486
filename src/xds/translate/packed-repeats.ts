import { invariant } from '../../incremental/invariant.ts';
import { equalBytes } from './bytes.ts';
import { hashesOf, type PackedBlock } from './packed-endpoints.ts';
import { addressBytes, withoutEntries } from './packed-entries.ts';

/** An endpoint may be in two lists for a moment, and counts once (kubernetes K75). */

/**
 * Blocks in which no address and port is repeated: the first one in their order stays. Gives the blocks themselves where nothing is,
 * which costs one look at each hash.
 */
export function withoutRepeats(blocks: readonly PackedBlock[]): readonly PackedBlock[] {
  const repeats = repeatsIn(blocks);
  if (repeats === undefined) return blocks;
  return blocks
    .map((block) => {
      const dropped = repeats.get(block);
      return dropped === undefined ? block : withoutEntries(block, dropped);
    })
    .filter(({ count }) => count > 0);
}

/** An open hash table over all entries: at each place the number of an entry, counted from 1. Used again by every call. */
let table = new Int32Array(1024);
let hashes = new Int32Array(512);

type Repeats = Map<PackedBlock, Set<number>>;

/** Per block the entries whose address and port came before; undefined: there are none. */
function repeatsIn(blocks: readonly PackedBlock[]): Repeats | undefined {
  const count = collectHashes(blocks);
  // At least twice as many places as entries.
  const bits = 33 - Math.clz32(count);
  const size = 1 << bits;
  if (table.length < size) table = new Int32Array(size);
  else table.fill(0, 0, size);
  let repeats: Repeats | undefined;
  for (let entry = 0; entry < count; entry++) {
    const hash = hashes[entry] as number;
    let place = Math.imul(hash, 0x9e37_79b1) >>> (32 - bits);
    for (let other = table[place] as number; other > 0; other = table[place] as number) {
      if (hashes[other - 1] === hash && isRepeat(blocks, other - 1, entry)) {
        noteRepeat((repeats ??= new Map()), blocks, entry);
        break;
      }
      place = (place + 1) & (size - 1);
    }
    if (table[place] === 0) table[place] = entry + 1;
  }
  return repeats;
}

function collectHashes(blocks: readonly PackedBlock[]): number {
  let count = 0;
  for (const block of blocks) count += block.count;
  if (hashes.length < count) hashes = new Int32Array(2 * count);
  let at = 0;
  for (const block of blocks) {
    // A view takes longer to make than a few hashes to read.
    if (block.count > fewEntries) hashes.set(hashesOf(block), at);
    else for (let index = 0; index < block.count; index++) hashes[at + index] = block.memory.readInt32LE(4 * index);
    at += block.count;
  }
  return count;
}

const fewEntries = 32;

/** Equal hashes are looked at byte by byte. */
function isRepeat(blocks: readonly PackedBlock[], earlier: number, later: number): boolean {
  return equalBytes(addressBytes(...entryOf(blocks, earlier)), addressBytes(...entryOf(blocks, later)));
}

function noteRepeat(repeats: Repeats, blocks: readonly PackedBlock[], entry: number): void {
  const [block, index] = entryOf(blocks, entry);
  const known = repeats.get(block);
  if (known === undefined) repeats.set(block, new Set([index]));
  else known.add(index);
}

/** The block of an entry, and its place there. */
function entryOf(blocks: readonly PackedBlock[], entry: number): readonly [PackedBlock, number] {
  let index = entry;
  const found = blocks.find(({ count }) => {
    if (index < count) return true;
    index -= count;
    return false;
  });
  invariant(found !== undefined, 'an entry is in a block');
  return [found, index];
}
