import { compareText } from '../../../model/config-object.ts';
import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import { itemsOf } from './values.ts';

/**
 * Namespaces that may see an object: `.` its own, `*` all, `~` nobody, or names (policy G3).
 *
 * @returns undefined when nothing was said, so that the mesh's default holds
 */
export function decodeExportTo(
  exportTo: readonly (string | undefined)[] | undefined,
  path: string,
  reading: Reading,
): readonly string[] | undefined {
  const items = itemsOf(exportTo, path);
  if (items.length === 0) return undefined;
  const values = new Set<string>();
  for (const { item, at } of items) {
    if (!isNamespaceOrWord(item)) {
      const advice = 'write ., *, ~ or the name of a namespace';
      reading.error('WEIR1020', at, `${quote(item)} is not a namespace`, advice);
      continue;
    }
    if (values.has(item)) reading.warn('WEIR1020', at, `${quote(item)} is listed twice`, 'remove one of them');
    values.add(item);
  }
  const alone = ['*', '~'].find((word) => values.has(word));
  if (alone !== undefined && values.size > 1) {
    reading.error(
      'WEIR1020',
      path,
      `${quote(alone)} cannot stand beside other values`,
      `keep ${quote(alone)} alone, or remove it`,
    );
  }
  // A set: rules that name the same namespaces in another order are for the same clients.
  return [...values].toSorted(compareText);
}

function isNamespaceOrWord(value: string): boolean {
  return value === '.' || value === '*' || value === '~' || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value);
}
