import { expect, it } from 'vitest';
import { difference, histogramOf, meanOf, medianOf } from './metrics.ts';

function aPage(endpoints: readonly number[], routes: readonly number[]): string {
  const lines = ['# HELP weir_push_latency_seconds x', '# TYPE weir_push_latency_seconds histogram'];
  for (const [type, [small = 0, middle = 0, all = 0]] of Object.entries({ endpoints, routes })) {
    for (const [bound, value] of [
      ['0.001', small],
      ['0.005', middle],
      ['+Inf', all],
    ] as const) {
      lines.push(`weir_push_latency_seconds_bucket{le="${bound}",type="${type}",stage="total"} ${value}`);
    }
    lines.push(`weir_push_latency_seconds_sum{type="${type}",stage="total"} ${all * 0.002}`);
    lines.push(`weir_push_latency_seconds_count{type="${type}",stage="total"} ${all}`);
    lines.push(`weir_push_latency_seconds_count{type="${type}",stage="send"} 99`);
  }
  return [...lines, 'weir_push_latency_seconds_other 5', ''].join('\n');
}

const labels = { stage: 'total' };

it('adds up what the labels select, and estimates the median', () => {
  const page = histogramOf(aPage([2, 8, 8], [0, 2, 2]), 'weir_push_latency_seconds', labels);
  expect(page).toMatchObject({
    count: 10,
    buckets: [
      [0.001, 2],
      [0.005, 10],
      [Infinity, 10],
    ],
  });
  expect(medianOf(page)).toBeCloseTo(0.001 + 0.004 * (3 / 8));
});

it('tells what came between two readings', () => {
  const earlier = histogramOf(aPage([2, 8, 8], [0, 0, 0]), 'weir_push_latency_seconds', labels);
  const later = histogramOf(aPage([2, 8, 8], [0, 4, 4]), 'weir_push_latency_seconds', labels);
  expect(difference(later, earlier)).toMatchObject({ count: 4 });
  expect(medianOf(difference(later, earlier))).toBeCloseTo(0.003);
  expect(meanOf(difference(later, earlier))).toBeCloseTo(0.002);
  expect([meanOf, medianOf].map((of) => of(difference(later, later)))).toEqual([undefined, undefined]);
});
