import type { LocalityPreference } from '../../../model/traffic-policy.ts';
import { fieldPath, quote } from './field-path.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';
import type { LocalitySpec } from './schemas/destination-rule.ts';
import { atMostOne, checkLength, inRange, itemsOf } from './values.ts';

/**
 * Preference for endpoints that are near (policy D6 to D8).
 *
 * @param ejecting whether outlier detection stands beside it; undefined where that is not decided in this object
 */
export function decodeLocality(
  spec: LocalitySpec | undefined,
  path: string,
  reading: Reading,
  ejecting: boolean | undefined,
): LocalityPreference | undefined {
  if (spec === undefined) return undefined;
  const distribute = spec.distribute?.length === 0 ? undefined : spec.distribute;
  const failover = spec.failover?.length === 0 ? undefined : spec.failover;
  atMostOne({ distribute, failover }, path, reading);
  const preference: LocalityPreference = {
    enabled: spec.enabled ?? true,
    distribute: decodeDistribute(distribute, `${path}.distribute`, reading),
    failover: decodeFailover(failover, `${path}.failover`, reading),
    failoverPriority: decodePriority(spec, path, reading),
  };
  const failing = preference.failover.length > 0 || preference.failoverPriority.length > 0;
  if (failing && preference.enabled && ejecting === false) {
    const message = 'without outlierDetection no endpoint counts as failed, so that failover does nothing';
    reading.warn('WEIR1204', path, message, 'add outlierDetection beside loadBalancer');
  }
  return preference;
}

function decodeDistribute(
  list: LocalitySpec['distribute'],
  path: string,
  reading: Reading,
): LocalityPreference['distribute'] {
  const items = itemsOf(list, path);
  checkPatterns(
    items.map(({ item, at }) => ({ pattern: item.from ?? '', at: `${at}.from` })),
    path,
    reading,
  );
  return items.map(({ item, at }) => {
    const to = item.to ?? {};
    const targets = Object.keys(to);
    checkPatterns(
      targets.map((pattern) => ({ pattern, at: fieldPath(`${at}.to`, pattern) })),
      `${at}.to`,
      reading,
    );
    const shares = targets.map((pattern) => inRange(to[pattern], [1, 100], fieldPath(`${at}.to`, pattern), reading));
    const sum = shares.reduce<number>((total, share) => total + (share ?? Number.NaN), 0);
    // Not a number where a share is out of range, which has been said.
    if (!Number.isNaN(sum) && sum !== 100) {
      reading.error(
        'WEIR1203',
        `${at}.to`,
        `the shares sum up to ${sum}, not to 100`,
        'write percentages that sum up to 100',
      );
    }
    return { from: item.from ?? '', to };
  });
}

interface Pattern {
  readonly pattern: string;
  readonly at: string;
}

/** Patterns `region/zone/sub-zone`, cut short or ending in `*`, none within another. */
function checkPatterns(patterns: readonly Pattern[], path: string, reading: Reading): void {
  if (!checkLength(patterns.length, largestObject.localities, path, reading)) return;
  for (const [index, { pattern, at }] of patterns.entries()) {
    const problem = problemOfPattern(pattern);
    if (problem !== undefined) {
      reading.error(
        'WEIR1203',
        at,
        `the locality ${quote(pattern)} ${problem}`,
        'write region/zone/sub-zone, region/* or *',
      );
      continue;
    }
    const other = patterns.slice(0, index).find((earlier) => patternsOverlap(earlier.pattern, pattern));
    if (other === undefined) continue;
    const message = `the localities ${quote(other.pattern)} and ${quote(pattern)} overlap`;
    reading.error('WEIR1203', at, message, 'remove one of them');
  }
}

function problemOfPattern(pattern: string): string | undefined {
  const parts = pattern.split('/');
  if (parts.length > 3) return 'has more than three parts';
  if (parts.includes('')) return 'has an empty part';
  return parts.slice(0, -1).some((part) => part.includes('*')) || /.\*|\*./.test(parts.at(-1) ?? '')
    ? 'has a * before its end'
    : undefined;
}

function patternsOverlap(a: string, b: string): boolean {
  const [short, long] = [a, b].map((pattern) => pattern.split('/').filter((part) => part !== '*'));
  const [fewer, more] = (short?.length ?? 0) <= (long?.length ?? 0) ? [short, long] : [long, short];
  return (fewer ?? []).every((part, index) => part === more?.[index]);
}

function decodeFailover(
  list: LocalitySpec['failover'],
  path: string,
  reading: Reading,
): LocalityPreference['failover'] {
  return itemsOf(list, path).map(({ item, at }) => {
    const { from = '', to = '' } = item;
    for (const [field, region] of Object.entries({ from, to })) {
      if (region !== '' && !/[/*]/.test(region)) continue;
      reading.error('WEIR1203', `${at}.${field}`, `${quote(region)} is not the name of a region`, 'name one region');
    }
    if (from === to) reading.error('WEIR1203', at, 'the region fails over to itself', 'name another region in to');
    return { from, to };
  });
}

const topologyLabels: ReadonlySet<string> = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
]);

function decodePriority(spec: LocalitySpec, path: string, reading: Reading): readonly string[] {
  return itemsOf(spec.failoverPriority, `${path}.failoverPriority`).map(({ item, at }) => {
    if (item === '' || item.startsWith('=')) {
      reading.error('WEIR1018', at, `${quote(item)} is not a label`, 'write a label name, or name=value');
    }
    if ((spec.failover?.length ?? 0) > 0 && topologyLabels.has(item)) {
      const message = `the label ${item} and failover both order the regions`;
      reading.error('WEIR1006', at, message, 'remove the label, or failover');
    }
    return item;
  });
}
