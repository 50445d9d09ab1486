import { ConnectionError } from './errors.ts';

/** Flow control (RFC 9113 section 5.2), for a connection and for a stream alike. */

export const initialWindow = 65_535;
const largestWindow = 0x7fff_ffff;

/** How much the peer lets us send. */
export class SendWindow {
  /** Below 0 after the peer made the windows of all streams smaller. */
  available: number;

  constructor(size: number) {
    this.available = size;
  }

  /** @returns false: it would be larger than a window may be */
  grow(bytes: number): boolean {
    this.available += bytes;
    return this.available <= largestWindow;
  }
}

/** How much we let the peer send; it is told of room by the half window. */
export class ReceiveWindow {
  readonly #size: number;
  #available: number;
  #ungranted = 0;

  constructor(size: number) {
    this.#size = size;
    this.#available = size;
  }

  /** So much came. @returns false: it is more than was allowed */
  take(bytes: number): boolean {
    this.#available -= bytes;
    return this.#available >= 0;
  }

  /** So much of what came is done with. @returns what to tell the peer that it may send more; 0: nothing yet */
  release(bytes: number): number {
    this.#ungranted += bytes;
    if (this.#ungranted * 2 < this.#size) return 0;
    const granted = this.#ungranted;
    this.#available += granted;
    this.#ungranted = 0;
    return granted;
  }
}

/** The end of a connection whose client makes a window larger than windows may be. */
export function windowTooLarge(): ConnectionError {
  return new ConnectionError('FLOW_CONTROL_ERROR', 'a window is larger than windows may be');
}
