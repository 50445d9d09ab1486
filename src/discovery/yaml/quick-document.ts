import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';

/** The rules of YAML 1.2, with merge keys as in the thorough reader. */
const schema = CORE_SCHEMA.withTags(mergeTag);

/**
 * What is read thoroughly, because the two libraries need not agree on it: anchors, tags, directives, ends of documents, carriage returns,
 * tabs, explicit keys, keys that are empty or null, numbers beyond range, and the key that would change an object's prototype.
 */
const unusual = /[&!%\r\t?~]|\.\.\.|__proto__|null\s*[:,}]|(?:^|[[{,-])\s*:|\de\+?\d{3}/im;

/**
 * Reads one document with the faster of two libraries, which keeps no positions. It never judges: undefined means that the thorough reader
 * has to look at the text.
 */
export function readQuickly(text: string): { readonly value: object } | undefined {
  if (unusual.test(text)) return undefined;
  try {
    const value = load(text, { schema });
    // A copy, because strings cut from a text keep all of it in memory (hot-path H1103).
    return typeof value === 'object' && value !== null ? { value: structuredClone(value) } : undefined;
  } catch {
    return undefined;
  }
}
