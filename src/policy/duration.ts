/** Durations as Istio's objects write them: Go's form (`1h30m`, `1.5s`, `100ms`), of which protobuf's (`1.5s`) is a part. */

export type DurationReading =
  | { readonly kind: 'duration'; readonly milliseconds: number }
  /** What is wrong, to stand behind "the duration". */
  | { readonly kind: 'invalid'; readonly reason: string };

const microsecondsOf: Readonly<Record<string, number>> = {
  ns: 0.001,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
};

/** Far below what overflows a proxy's 64 bit count of nanoseconds (292 years). */
const longestMilliseconds = 100 * 8760 * 3_600_000;
const longestText = 64;

/**
 * Reads a duration of whole milliseconds.
 *
 * @param minimum in milliseconds: 1 for most fields (policy P605), 0 where zero means "off"
 */
export function readDuration(text: string, minimum: 0 | 1): DurationReading {
  if (text === '') return invalid('is empty');
  if (text.length > longestText) return invalid('is not a duration');
  if (text === '0' && minimum === 0) return { kind: 'duration', milliseconds: 0 };
  if (text.startsWith('-')) return invalid('is negative');
  if (/^\d+(\.\d+)?$/.test(text)) return invalid('has no unit');
  const microseconds = sumOf(text.startsWith('+') ? text.slice(1) : text);
  if (microseconds === undefined) return invalid('is not a duration');
  if (microseconds > longestMilliseconds * 1000) return invalid('is longer than 100 years');
  if (microseconds < minimum * 1000) return invalid('is shorter than 1ms');
  if (microseconds % 1000 !== 0) return invalid('is not a whole number of milliseconds');
  return { kind: 'duration', milliseconds: microseconds / 1000 };
}

/** @returns microseconds, rounded to whole ones so that `0.1s` is exact; undefined for what is no duration */
function sumOf(text: string): number | undefined {
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let sum = 0;
  while (part.lastIndex < text.length) {
    const [, amount, unit] = part.exec(text) ?? [];
    if (amount === undefined || unit === undefined) return undefined;
    sum += Number(amount) * (microsecondsOf[unit] ?? 0);
  }
  const rounded = Math.round(sum);
  return Math.abs(sum - rounded) < 0.0001 ? rounded : sum;
}

function invalid(reason: string): DurationReading {
  return { kind: 'invalid', reason };
}
