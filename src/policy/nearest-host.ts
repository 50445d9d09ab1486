/** Which existing host name somebody probably meant (policy P404). */

/**
 * The host name most like a wrong one: a short form of it that is not expanded (`name.ns`), the same name in another namespace,
 * or one that differs in a few letters. undefined: nothing is near.
 *
 * @param names existing host names; of equally near ones the first wins
 */
export function nearestHost(wrong: string, names: readonly string[]): string | undefined {
  const lengthened = names.find((name) => name.startsWith(`${wrong}.`));
  if (lengthened !== undefined) return lengthened;
  const [label = ''] = wrong.split('.', 1);
  const elsewhere = names.find((name) => name.startsWith(`${label}.`) && sharesSuffix(name, wrong));
  return elsewhere ?? fewestEdits(wrong, names, Math.min(3, Math.ceil(label.length / 3)));
}

/** Both below one domain of at least two labels, such as `svc.cluster.local`. */
function sharesSuffix(a: string, b: string): boolean {
  const suffix = a.split('.').slice(-2).join('.');
  return b.endsWith(`.${suffix}`);
}

function fewestEdits(wrong: string, names: readonly string[], limit: number): string | undefined {
  let nearest: string | undefined;
  let fewest = limit + 1;
  for (const name of names) {
    const edits = editDistance(wrong, name, fewest - 1);
    if (edits < fewest) {
      fewest = edits;
      nearest = name;
    }
  }
  return nearest;
}

/**
 * Letters to insert, drop, replace or swap with their neighbour (optimal string alignment); more than `limit` counts as infinite,
 * and is found out early.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return Infinity;
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = isSwap(a, row, b, column) ? (beforeLast[column - 2] ?? 0) + 1 : Infinity;
      current.push(Math.min(replaced, swapped, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit && Math.min(...last) > limit) return Infinity;
    beforeLast = last;
    last = current;
  }
  const edits = last[b.length] ?? 0;
  return edits > limit ? Infinity : edits;
}

function isSwap(a: string, row: number, b: string, column: number): boolean {
  return row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
}
