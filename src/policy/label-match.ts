import { compareText } from '../model/config-object.ts';

/** Selection by labels: an object selects what carries all the labels that it names. */

export type Labels = Readonly<Record<string, string>>;

/** Whether labels carry everything that a selector names; an empty selector selects everything. */
export function selects(selector: Labels, labels: Labels): boolean {
  for (const name in selector) {
    if (labels[name] !== selector[name]) return false;
  }
  return true;
}

/** One label as text. */
export function labelPair(name: string, value: string): string {
  return `${name}=${value}`;
}

export function labelPairs(labels: Labels): readonly string[] {
  return Object.entries(labels).map(([name, value]) => labelPair(name, value));
}

/**
 * One pair that everything selected must carry: objects are indexed by it, so that a workload finds the few selectors that may
 * concern it, and a selector the few workloads. The pair with the longest value: names of applications tell more apart than
 * `prod` or `v1`. undefined for an empty selector, which in a registry selects nothing.
 */
export function indexedPair(selector: Labels): string | undefined {
  const [longest] = Object.entries(selector).toSorted(
    ([name, value], [otherName, otherValue]) => otherValue.length - value.length || compareText(name, otherName),
  );
  return longest === undefined ? undefined : labelPair(...longest);
}
