import type { Reading } from './reading.ts';
import { decodeLabels } from './values.ts';

/**
 * Which workloads an object is for.
 *
 * @returns undefined: it names no label, and is for all workloads
 */
export function decodeWorkloadSelector(
  selector: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined,
  reading: Reading,
): Readonly<Record<string, string>> | undefined {
  const labels = selector?.matchLabels;
  if (labels === undefined || Object.keys(labels).length === 0) return undefined;
  return decodeLabels(labels, 'spec.selector.matchLabels', reading);
}
