import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { Admission } from './admission.ts';

let clock: ManualClock;
let admission: Admission;

beforeEach(() => {
  clock = new ManualClock();
  admission = new Admission({ perSecond: 200, longestWait: 10, clock });
});

describe('admission', () => {
  it('lets a few in at once and the others in their order, at the rate (hot-path/H901, xds-protocol/X10, xds-protocol/X168)', () => {
    const entered: number[] = [];
    for (let number = 0; number < 500; number++) admission.ask(() => entered.push(number));
    expect(entered).toHaveLength(20);
    clock.advance(1_000);
    expect(entered).toHaveLength(220);
    clock.advance(2_000);
    expect(entered).toEqual(Array.from({ length: 500 }, (_, number) => number));
    expect(admission.waiting).toBe(0);
  });

  it('has nobody wait below the rate', () => {
    let entered = 0;
    for (let second = 0; second < 50; second++) {
      for (let each = 0; each < 20; each++) admission.ask(() => entered++);
      expect(entered).toBe((second + 1) * 20);
      clock.advance(100);
    }
  });

  it('refuses those who would have to wait too long (xds-protocol/X10)', () => {
    const kinds = Array.from({ length: 2_100 }, () => admission.ask(() => undefined).kind);
    expect(kinds.filter((kind) => kind === 'refused')).toHaveLength(80);
    clock.advance(1_000);
    expect(admission.ask(() => undefined).kind).toBe('waiting');
  });

  it('works at a rate of less than one a second', () => {
    const slow = new Admission({ perSecond: 0.5, longestWait: 10, clock });
    let entered = 0;
    for (let each = 0; each < 3; each++) slow.ask(() => entered++);
    expect(entered).toBe(1);
    clock.advance(4_000);
    expect(entered).toBe(3);
  });
});
