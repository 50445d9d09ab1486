import { ConnectionError } from './errors.ts';
import { decodeHuffman } from './huffman.ts';
import { staticTable, type HeaderField } from './static-table.ts';

/** Headers from their compressed form (RFC 7541). */

/** What every entry of the dynamic table counts beside its text (section 4.1). */
const entryOverhead = 32;

/** The dynamic table of one connection: what its client said before and refers to by number. */
class DynamicTable {
  readonly #limit: number;
  /** The newest last. */
  readonly #entries: HeaderField[] = [];
  #size = 0;
  #capacity: number;

  /** @param limit bytes; what the peer was told by SETTINGS, or the 4,096 that it assumes otherwise */
  constructor(limit: number) {
    this.#limit = limit;
    this.#capacity = limit;
  }

  /** @param index 1: the newest */
  at(index: number): HeaderField | undefined {
    return this.#entries[this.#entries.length - index];
  }

  add(field: HeaderField): void {
    this.#size += sizeOf(field);
    this.#entries.push(field);
    this.#evict();
  }

  resize(capacity: number): void {
    if (capacity > this.#limit) throw compressionError(`a table of ${capacity} bytes is larger than ${this.#limit}`);
    this.#capacity = capacity;
    this.#evict();
  }

  #evict(): void {
    let evicted = 0;
    for (const entry of this.#entries) {
      if (this.#size <= this.#capacity) break;
      this.#size -= sizeOf(entry);
      evicted++;
    }
    if (evicted > 0) this.#entries.splice(0, evicted);
  }
}

/** What a block of headers says. */
export type HeaderList =
  | { readonly kind: 'fields'; readonly fields: readonly HeaderField[] }
  /** Longer than the limit; the table was kept up all the same. */
  | { readonly kind: 'too-large' };

export class HpackDecoder {
  readonly #largest: number;
  readonly #table: DynamicTable;

  /** @param largest bytes of the longest list of headers, each counted with 32 more (RFC 9113 section 6.5.2) */
  constructor(largest: number, tableSize: number) {
    this.#largest = largest;
    this.#table = new DynamicTable(tableSize);
  }

  /** @throws ConnectionError (COMPRESSION_ERROR): both ends no longer have the same table */
  decode(block: Buffer): HeaderList {
    const cursor = new Cursor(block);
    const fields: HeaderField[] = [];
    let size = 0;
    while (!cursor.isAtEnd) {
      const field = this.#readField(cursor, fields.length === 0);
      if (field === undefined) continue;
      size += sizeOf(field);
      if (size <= this.#largest) fields.push(field);
    }
    return size > this.#largest ? { kind: 'too-large' } : { kind: 'fields', fields };
  }

  /** @returns undefined after a change of the table's size, which is no field */
  #readField(cursor: Cursor, isFirst: boolean): HeaderField | undefined {
    const first = cursor.peek();
    if (first >= 0x80) return this.#fieldAt(cursor.integer(7));
    if (first >= 0x40) {
      const field = this.#readLiteral(cursor, 6);
      this.#table.add(field);
      return field;
    }
    // Without indexing, and never indexed.
    if (first < 0x20) return this.#readLiteral(cursor, 4);
    if (!isFirst) throw compressionError('the table changes its size in the middle of headers');
    this.#table.resize(cursor.integer(5));
    return undefined;
  }

  #readLiteral(cursor: Cursor, prefixBits: number): HeaderField {
    const index = cursor.integer(prefixBits);
    const name = index === 0 ? cursor.text() : this.#fieldAt(index)[0];
    return [name, cursor.text()];
  }

  #fieldAt(index: number): HeaderField {
    const field = index <= staticTable.length ? staticTable[index - 1] : this.#table.at(index - staticTable.length);
    if (field === undefined) throw compressionError(`there is no header ${index}`);
    return field;
  }
}

/** Reads numbers and strings (RFC 7541 section 5). */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw compressionError('headers are cut short');
    return byte;
  }

  /** @param prefixBits bits of the first byte that belong to the number */
  integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.peek() & mask;
    this.#at++;
    if (value < mask) return value;
    // Four bytes more say everything up to 268 million, which is more than anything here may be.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.peek();
      this.#at++;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw compressionError('a number is too large');
  }

  text(): string {
    const isHuffman = this.peek() >= 0x80;
    const length = this.integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) throw compressionError('a string is cut short');
    this.#at = end;
    return isHuffman ? decodeHuffman(this.#bytes.subarray(start, end)) : this.#bytes.toString('latin1', start, end);
  }
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + entryOverhead;
}

function compressionError(message: string): ConnectionError {
  return new ConnectionError('COMPRESSION_ERROR', message);
}
