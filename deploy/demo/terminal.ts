import type { WriteStream } from 'node:tty';

/** Lines that stay, and below them a block that is drawn again in place. Where the output is no terminal there is no such block. */
export class Terminal {
  readonly #out: WriteStream;
  #drawn = 0;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  get isLive(): boolean {
    return this.#out.isTTY;
  }

  get width(): number {
    return this.#out.columns ?? 100;
  }

  get height(): number {
    return this.#out.rows ?? 40;
  }

  /** Writes lines that stay. */
  say(...lines: readonly string[]): void {
    this.#out.write(`${this.#erase()}${lines.join('\n')}\n`);
  }

  /** Draws the block; does nothing where the output is no terminal. */
  draw(lines: readonly string[]): void {
    if (!this.isLive) return;
    // A block higher than the screen could not be drawn over: the end of it is shown.
    const shown = lines.slice(-Math.max(1, (this.#out.rows ?? 24) - 1));
    // In one write, so that nothing flickers.
    this.#out.write(`${this.#erase()}${shown.join('\n')}\n`);
    this.#drawn = shown.length;
  }

  /** Leaves the block as it is and goes on below it. */
  release(): void {
    this.#drawn = 0;
  }

  #erase(): string {
    const up = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\r\u001b[J`;
    this.#drawn = 0;
    return up;
  }
}
