/** Milliseconds that count as the same moment. */
export const grain = 100;

/** What is to be looked at, and when. Planning costs the same however much is planned; taking, what is due and the time that has passed. */
export class Agenda<Item> {
  readonly #moments = new Map<Item, number>();
  readonly #items = new Map<number, Set<Item>>();
  /** Everything before it has been taken. */
  #next: number;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: number) {
    this.#next = Math.floor(now / grain);
  }

  /** Sets the moment of an item; one that is planned earlier stays so. */
  plan(item: Item, at: number): void {
    const moment = Math.max(Math.ceil(at / grain), this.#next);
    const before = this.#moments.get(item);
    if (before !== undefined && before <= moment) return;
    this.drop(item);
    this.#moments.set(item, moment);
    const items = this.#items.get(moment);
    if (items === undefined) this.#items.set(moment, new Set([item]));
    else items.add(item);
  }

  drop(item: Item): void {
    const moment = this.#moments.get(item);
    if (moment === undefined) return;
    this.#moments.delete(item);
    const items = this.#items.get(moment);
    items?.delete(item);
    if (items?.size === 0) this.#items.delete(moment);
  }

  /** Takes out an item whose moment has come; undefined: there is none. */
  take(now: number): Item | undefined {
    for (; this.#next * grain <= now; this.#next++) {
      for (const item of this.#items.get(this.#next) ?? []) {
        this.drop(item);
        return item;
      }
    }
    return undefined;
  }
}
