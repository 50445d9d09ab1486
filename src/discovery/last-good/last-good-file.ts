import { createHash, type Hash } from 'node:crypto';
import { open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import type { EndpointShard } from '../../model/endpoint.ts';
import type { Service } from '../../model/service.ts';
import type { Source } from '../../model/source.ts';

/** What a registry last said, in a file: a line that says what it is, then a row a line (reliability R50). */

export interface LastGoodState {
  readonly source: Pick<Source, 'name' | 'kind' | 'target'>;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  readonly services: readonly Service[];
  readonly shards: readonly EndpointShard[];
}

/** The file is not what Weir wrote for this source; the message says why, as a clause about the file. */
export class UnusableState extends Error {
  override readonly name = 'UnusableState';
}

interface Head {
  readonly format: string;
  readonly source: Pick<Source, 'name' | 'kind' | 'target'>;
  readonly writtenAt: number;
  readonly services: number;
  readonly shards: number;
  /** Bytes behind the head. */
  readonly length: number;
  readonly sha256: string;
}

/** Changes with everything that makes rows of another version unusable. */
const format = 'weir last-good 1';
/** The head is as long in every file, so that it can be written last. */
const headLength = 1024;
/** Rows that are written without giving way to other work. */
const rowsAtOnce = 200;

/**
 * Writes beside the file and renames into place: what is in place is whole.
 *
 * @param mostBytes of the rows
 * @returns bytes written; undefined when it would be more, and then the file stays as it was
 * @throws what the file system says
 */
export async function writeLastGood(
  path: string,
  state: LastGoodState,
  mostBytes: number,
): Promise<number | undefined> {
  const scratch = `${path}.writing`;
  const file = await open(scratch, 'w', 0o600);
  try {
    const written = await writeRows(file, state, mostBytes);
    if (written === undefined) return undefined;
    const { source, writtenAt, services, shards } = state;
    const { name, kind, target } = source;
    const counts = { services: services.length, shards: shards.length };
    const head: Head = { format, source: { name, kind, target }, writtenAt, ...counts, ...written };
    const text = JSON.stringify(head).padEnd(headLength - 1);
    if (Buffer.byteLength(text) !== headLength - 1) throw new UnusableState('has a head that is too long');
    await file.write(`${text}\n`, 0);
    await file.sync();
    await rename(scratch, path);
    return headLength + written.length;
  } finally {
    await file.close();
    await rm(scratch, { force: true });
  }
}

async function writeRows(
  file: FileHandle,
  { services, shards }: LastGoodState,
  mostBytes: number,
): Promise<Pick<Head, 'length' | 'sha256'> | undefined> {
  const hash = createHash('sha256');
  const rows = [...services, ...shards];
  let length = 0;
  for (let index = 0; index < rows.length; index += rowsAtOnce) {
    const lines = rows.slice(index, index + rowsAtOnce).map((row) => `${JSON.stringify(row)}\n`);
    const bytes = Buffer.from(lines.join(''));
    if (length + bytes.length > mostBytes) return undefined;
    hash.update(bytes);
    await file.write(bytes, 0, bytes.length, headLength + length);
    length += bytes.length;
    await turn();
  }
  return { length, sha256: digestOf(hash) };
}

/**
 * @returns undefined when there is no file
 * @throws UnusableState when it is not whole, not of this source, or too large
 */
export async function readLastGood(
  path: string,
  source: string,
  mostBytes: number,
): Promise<LastGoodState | undefined> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) return undefined;
  if (size > headLength + mostBytes) throw new UnusableState(`is larger than ${headLength + mostBytes} bytes`);
  const bytes = await readFile(path);
  const head = headOf(bytes);
  if (head.format !== format) throw new UnusableState(`is of the format ${JSON.stringify(head.format)}, not ${format}`);
  if (head.source.name !== source) throw new UnusableState(`is of the source ${JSON.stringify(head.source.name)}`);
  const body = bytes.subarray(headLength);
  if (body.length !== head.length)
    throw new UnusableState(`has ${body.length} bytes of rows in place of ${head.length}`);
  if (digestOf(createHash('sha256').update(body)) !== head.sha256)
    throw new UnusableState('is damaged: its hash is wrong');
  const rows = body
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
  return {
    ...{ source: head.source, writtenAt: head.writtenAt },
    services: rows.slice(0, head.services) as Service[],
    shards: rows.slice(head.services) as EndpointShard[],
  };
}

function headOf(bytes: Buffer): Head {
  try {
    const head = JSON.parse(bytes.subarray(0, headLength).toString()) as Partial<Head> | null;
    if (typeof head?.format === 'string' && typeof head.source?.name === 'string') return head as Head;
  } catch {
    // Said below: whatever it is, Weir did not write it.
  }
  throw new UnusableState('is no file of Weir');
}

function digestOf(hash: Hash): string {
  return hash.digest('hex');
}
