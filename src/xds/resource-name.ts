/**
 * The one spelling of a resource's name that stands for all its spellings (xds-protocol X74): names are opaque, but for those of
 * the form `xdstp://authority/type/id?key=value&…`, whose parameters may come in any order and whose characters may be escaped.
 */
export function canonicalName(name: string): string {
  if (!name.startsWith('xdstp:')) return name;
  const [address = '', ...queries] = name.split('?');
  if (queries.length === 0) return normalEscapes(name);
  const parameters = queries.join('?').split('&').map(normalEscapes).toSorted();
  return `${normalEscapes(address)}?${parameters.join('&')}`;
}

/** Characters that need no escape have none, and the digits of the others are capitals (RFC 3986, 6.2.2). */
function normalEscapes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (escape, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
}
