/** What a benchmark says: rows of figures, printed as a table for people and as JSON lines for programs. */

export interface Bench {
  /** What `npm run bench NAME` calls it. */
  readonly name: string;
  readonly title: string;
  readonly run: (report: Report) => Promise<void> | void;
}

/** Names say their unit: `usMedian`, `bytesPerNode`. */
export type Figures = Readonly<Record<string, number | string>>;

export interface Report {
  /** Adds a row. Rows of one benchmark need not have the same figures. */
  row(variant: string, figures: Figures): void;
}

export interface Spread {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99), max: at(1) };
}

/** Four significant digits: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Runs the garbage collector, if Node was started with `--expose-gc`, and gives the bytes of the heap in use. */
export function heapInUse(): number {
  for (let pass = 0; pass < 4; pass++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
