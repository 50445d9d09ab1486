/** Paths of fields, as people read them: `spec.http[0].match[1].headers["x-user"].exact`. */

const plainKey = /^[A-Za-z_][A-Za-z0-9_]*$/;
const longestKey = 80;

/** Path of a field of the object at a path. */
export function fieldPath(path: string, key: string): string {
  return plainKey.test(key) && key.length <= longestKey ? `${path}.${key}` : `${path}[${quote(key)}]`;
}

/** @param keys names of fields and indexes of list items, from the outside */
export function pathOf(root: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : fieldPath(path, String(key))),
    root,
  );
}

/** Text of a user in a message: quoted, on one line, and never long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > longestKey ? `${text.slice(0, longestKey)}…` : text);
}

/** A value in a message: what it is, and which where that is short. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string')
    return value.length > longestKey ? `a text of ${value.length} characters` : `the text ${quote(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : 'something that is no plain data';
}
