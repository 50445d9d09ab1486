/** Reads what the demo shows out of a page in Prometheus' text format. */

export interface Histogram {
  readonly count: number;
  readonly sum: number;
  /** Upper bound -> observations at or below it, ascending; the last bound is infinite. */
  readonly buckets: readonly (readonly [bound: number, atOrBelow: number])[];
}

/** Adds up the histograms of a name whose labels include the given ones. */
export function histogramOf(page: string, name: string, labels: Readonly<Record<string, string>>): Histogram {
  const buckets = new Map<number, number>();
  let [count, sum] = [0, 0];
  for (const line of page.split('\n')) {
    const match = /^(\w+)\{([^}]*)\} (\S+)/.exec(line);
    if (match === null || match[1]?.startsWith(name) !== true) continue;
    const found = Object.fromEntries(
      Array.from((match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g), (pair) => [pair[1], pair[2]]),
    );
    if (Object.entries(labels).some(([label, value]) => found[label] !== value)) continue;
    const value = Number(match[3]);
    if (match[1] === `${name}_count`) count += value;
    else if (match[1] === `${name}_sum`) sum += value;
    else if (match[1] === `${name}_bucket`) {
      const bound = found['le'] === '+Inf' ? Infinity : Number(found['le']);
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  }
  return { count, sum, buckets: [...buckets].sort(([a], [b]) => a - b) };
}

/** What was observed between two readings. */
export function difference(later: Histogram, earlier: Histogram): Histogram {
  const before = new Map(earlier.buckets);
  return {
    count: later.count - earlier.count,
    sum: later.sum - earlier.sum,
    buckets: later.buckets.map(([bound, atOrBelow]) => [bound, atOrBelow - (before.get(bound) ?? 0)] as const),
  };
}

/** undefined without observations. */
export function meanOf({ count, sum }: Histogram): number | undefined {
  return count === 0 ? undefined : sum / count;
}

export function medianOf(histogram: Histogram): number | undefined {
  return quantileOf(histogram, 0.5);
}

/** Estimates a quantile as Prometheus does, on a straight line within the bucket; undefined without observations. */
export function quantileOf({ count, buckets }: Histogram, quantile: number): number | undefined {
  if (count === 0) return undefined;
  const rank = count * quantile;
  let [lower, below] = [0, 0];
  for (const [bound, atOrBelow] of buckets) {
    if (atOrBelow >= rank) {
      return bound === Infinity ? lower : lower + ((bound - lower) * (rank - below)) / (atOrBelow - below);
    }
    [lower, below] = [bound, atOrBelow];
  }
  return lower;
}
