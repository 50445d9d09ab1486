/** Streams of a connection that Weir ended and of which something may still come: what a client says until it knows is not heard. */

const mostRemembered = 1_000;

export class AbandonedStreams {
  readonly #ids = new Set<number>();

  add(id: number): void {
    this.#ids.add(id);
    if (this.#ids.size <= mostRemembered) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }

  /** The client has ended it too. */
  delete(id: number): void {
    this.#ids.delete(id);
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }
}
