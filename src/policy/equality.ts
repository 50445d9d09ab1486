/**
 * Cheap comparisons of results: work stops at a query whose new result equals the old one, so they run after every change.
 * Results that share most of their parts with their predecessor are told apart by identity.
 */

export function equalLists<Item>(
  a: readonly Item[],
  b: readonly Item[],
  equalItems: (a: Item, b: Item) => boolean = Object.is,
): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const left = a[index] as Item;
    const right = b[index] as Item;
    if (left !== right && !equalItems(left, right)) return false;
  }
  return true;
}

export function equalRecords<Value>(a: Readonly<Record<string, Value>>, b: Readonly<Record<string, Value>>): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && Object.is(a[name], b[name]));
}
