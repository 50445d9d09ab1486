import { describe, expect, it } from 'vitest';
import { readDuration } from './duration.ts';

describe('durations', () => {
  it.each([
    ['1s', 1000],
    ['1.5s', 1500],
    ['0.1s', 100],
    ['.5s', 500],
    ['100ms', 100],
    ['1ms', 1],
    ['1000us', 1],
    ['1000µs', 1],
    ['3000000ns', 3],
    ['1m', 60_000],
    ['1h2m', 3_720_000],
    ['1h30m0.25s', 5_400_250],
    ['24h', 86_400_000],
    ['+2s', 2000],
    ['0.300s', 300],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(readDuration(text, 1)).toEqual({ kind: 'duration', milliseconds });
  });

  it.each([
    ['', 'is empty'],
    ['5', 'has no unit'],
    ['1.5', 'has no unit'],
    ['-1s', 'is negative'],
    ['0s', 'is shorter than 1ms'],
    ['0.5ms', 'is shorter than 1ms'],
    ['999us', 'is shorter than 1ms'],
    ['1.5ms', 'is not a whole number of milliseconds'],
    ['1d', 'is not a duration'],
    ['1s 2s', 'is not a duration'],
    ['s', 'is not a duration'],
    ['1e3s', 'is not a duration'],
    ['1000000h', 'is longer than 100 years'],
    [`${'9'.repeat(400)}s`, 'is not a duration'],
  ])('%s is refused: it %s (policy/P605)', (text, reason) => {
    expect(readDuration(text, 1)).toEqual({ kind: 'invalid', reason });
  });

  it.each(['0s', '0', '0ms', '0h0m'])('%s is zero where zero means off', (text) => {
    expect(readDuration(text, 0)).toEqual({ kind: 'duration', milliseconds: 0 });
  });
});
