import { readFile } from 'node:fs/promises';
import { describeError } from '../../../observe/log.ts';
import type { Clock } from '../../registry.ts';
import { ApiError } from './api-client.ts';

const maxAgeMs = 60_000;

/** A small text file that others replace while we run: read again when it was last read a minute ago (K8). */
export class RememberedFile {
  readonly #path: string;
  readonly #clock: Clock;
  #text: string | undefined;
  #readAt = -Infinity;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** @throws ApiError `credentials` when it cannot be read, and what was read before is not to be used any more */
  async read(): Promise<string> {
    const now = this.#clock.monotonic();
    if (this.#text !== undefined && now - this.#readAt < maxAgeMs) return this.#text;
    try {
      this.#text = await readFile(this.#path, 'utf8');
      this.#readAt = now;
      return this.#text;
    } catch (error) {
      // Mounted files are away for a moment while they are swapped.
      if (this.#text !== undefined) return this.#text;
      throw new ApiError('credentials', `${this.#path} cannot be read: ${describeError(error)}`, { cause: error });
    }
  }

  /** What it held is of no use: it has to be read before the next use. */
  forget(): void {
    this.#text = undefined;
  }
}
