/** Lists and records as short text without blanks, the same for equal values: what the keys of scopes are made of. */

/** Whatever a node claims in its labels, the separators and blanks of keys stay ours. */
export function escaped(text: string): string {
  return text.replace(/[%;,=\s]/gu, (character) => encodeURIComponent(character));
}

export function unescaped(text: string): string {
  return decodeURIComponent(text);
}

/** The list of one empty text reads like the empty list, which no fact of a scope can be confused by. */
export function listText(items: readonly string[]): string {
  return items.map(escaped).join(',');
}

export function listOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map(unescaped);
}

export function recordText(record: Readonly<Record<string, string | number>>): string {
  return Object.entries(record)
    .map(([name, value]) => `${escaped(name)}=${escaped(String(value))}`)
    .toSorted()
    .join(',');
}

export function recordOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text === ''
      ? []
      : text.split(',').map((pair) => {
          const equals = pair.indexOf('=');
          return [unescaped(pair.slice(0, equals)), unescaped(pair.slice(equals + 1))];
        }),
  );
}

export function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
