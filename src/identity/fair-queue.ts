/**
 * What waits, in lines that take turns. When it is full the longest line gives way, so that a flood on one line cannot keep the others
 * out: who stands alone in a line is served in the next round.
 */
export class FairQueue<Item> {
  readonly #most: number;
  readonly #lines = new Map<string, Item[]>();
  #size = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns who has to go for it, which may be the item itself; undefined: there is room for all */
  push(line: string, item: Item): Item | undefined {
    const evicted = this.#size < this.#most ? undefined : this.#evictFor(line);
    if (this.#size >= this.#most) return item;
    const items = this.#lines.get(line);
    if (items === undefined) this.#lines.set(line, [item]);
    else items.push(item);
    this.#size++;
    return evicted;
  }

  /** The first of the line whose turn it is. */
  shift(): Item | undefined {
    for (const [line, items] of this.#lines) {
      const item = items.shift();
      this.#lines.delete(line);
      if (items.length > 0) this.#lines.set(line, items);
      if (item === undefined) continue;
      this.#size--;
      return item;
    }
    return undefined;
  }

  /** Takes the last of the longest line, if that stays as long as the one that wants in becomes. */
  #evictFor(line: string): Item | undefined {
    const own = this.#lines.get(line)?.length ?? 0;
    let longest: Item[] = [];
    for (const items of this.#lines.values()) if (items.length > longest.length) longest = items;
    if (longest.length < own + 2) return undefined;
    this.#size--;
    return longest.pop();
  }
}
