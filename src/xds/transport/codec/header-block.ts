import { ConnectionError } from './errors.ts';
import { frameFlags, withoutPadding, type FrameHeader } from './frames.ts';

/** A block of headers, in one HEADERS frame or continued in others (RFC 9113 section 6.10). */

export interface HeaderBlock {
  readonly stream: number;
  /** The stream ends with it. */
  readonly isEnd: boolean;
  readonly bytes: Buffer;
}

/** Compressed bytes that a block may have, and frames: what is spread wider is an attack (reliability S40). */
const largestBlock = 64 * 1024;
const mostContinuations = 16;
/** What deprecated priorities take at the beginning. */
const prioritySize = 5;

export class HeaderBlockReader {
  #begun: { readonly stream: number; readonly isEnd: boolean; readonly parts: Buffer[]; size: number } | undefined;

  /** Whether nothing but a continuation may come. */
  get isInside(): boolean {
    return this.#begun !== undefined;
  }

  /** @returns the block, if it is complete */
  begin({ flags, stream }: FrameHeader, payload: Buffer): HeaderBlock | undefined {
    const content = (flags & frameFlags.padded) === 0 ? payload : withoutPadding(payload);
    const skip = (flags & frameFlags.priority) === 0 ? 0 : prioritySize;
    if (content.length < skip) throw new ConnectionError('FRAME_SIZE_ERROR', 'HEADERS are cut short');
    const bytes = content.subarray(skip);
    const isEnd = (flags & frameFlags.endStream) !== 0;
    if ((flags & frameFlags.endHeaders) !== 0) return { stream, isEnd, bytes };
    this.#begun = { stream, isEnd, parts: [Buffer.from(bytes)], size: bytes.length };
    return undefined;
  }

  /** @returns the block, if it is complete */
  continue({ flags, stream }: FrameHeader, payload: Buffer): HeaderBlock | undefined {
    const begun = this.#begun;
    if (begun?.stream !== stream) throw new ConnectionError('PROTOCOL_ERROR', 'CONTINUATION continues nothing');
    begun.parts.push(Buffer.from(payload));
    begun.size += payload.length;
    if (begun.size > largestBlock || begun.parts.length > 1 + mostContinuations) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'headers go on without end');
    }
    if ((flags & frameFlags.endHeaders) === 0) return undefined;
    this.#begun = undefined;
    return { stream, isEnd: begun.isEnd, bytes: Buffer.concat(begun.parts) };
  }
}
