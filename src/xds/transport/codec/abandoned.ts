/** Streams of a connection that Weir ended and of which something may still come: what a client says until it knows is not heard. */

const mostRemembered = 1_000;

export class AbandonedStreams {
  /** Most connections never have one. */
  #ids: Set<number> | undefined;

  add(id: number): void {
    const ids = (this.#ids ??= new Set());
    ids.add(id);
    if (ids.size <= mostRemembered) return;
    for (const oldest of ids) {
      ids.delete(oldest);
      return;
    }
  }

  /** The client has ended it too. */
  delete(id: number): void {
    this.#ids?.delete(id);
  }

  has(id: number): boolean {
    return this.#ids?.has(id) === true;
  }
}
