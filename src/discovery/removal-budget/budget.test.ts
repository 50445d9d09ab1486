import { describe, expect, it } from 'vitest';
import { emptyLedger, judge, releaseDue, type BudgetRules, type Ledger, type Saying } from './budget.ts';

const minute = 60_000;
const onePerHalfHour: BudgetRules = {
  most: { kind: 'count', count: 1 },
  window: 30 * minute,
  confirmation: minute,
};

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `10.0.0.${index}`);
}

function aSaying(usable: readonly string[], lost: readonly string[], fields: Partial<Saying> = {}): Saying {
  return { at: 0, usable: usable.length, lost, gained: 0, returned: [], inDoubt: false, ...fields };
}

/** All that leaves while nothing else is said. */
function leaving(before: Ledger, until: number, size: number): readonly (readonly [number, readonly string[]])[] {
  const left: (readonly [number, readonly string[]])[] = [];
  let ledger = before;
  while (ledger.nextRelease !== undefined && ledger.nextRelease <= until) {
    const at = ledger.nextRelease;
    const due = releaseDue(ledger, at, size, onePerHalfHour);
    left.push([at, due.released]);
    ledger = due.ledger;
  }
  return left;
}

describe('a removal budget', () => {
  it('reliability/SC7 reliability/R51: of ten that vanish exactly one leaves within the window of one per half hour, nine are held', () => {
    const { held, ledger } = judge(emptyLedger, aSaying([], names(10)), onePerHalfHour);
    expect(held).toHaveLength(10);
    expect(leaving(ledger, 30 * minute, 10)).toEqual([[minute, ['10.0.0.0']]]);
    expect(leaving(ledger, 31 * minute, 10)).toEqual([
      [minute, ['10.0.0.0']],
      [31 * minute, ['10.0.0.1']],
    ]);
  });

  it('lets what it covers leave at once, and the next within the window not', () => {
    const [first = '', second = '', ...others] = names(10);
    const one = judge(emptyLedger, aSaying([second, ...others], [first]), onePerHalfHour);
    expect(one.held).toEqual([]);
    const two = judge(one.ledger, aSaying(others, [second], { at: minute }), onePerHalfHour);
    expect(two.held).toEqual([second]);
    const later = judge(one.ledger, aSaying(others, [second], { at: 31 * minute }), onePerHalfHour);
    expect(later.held).toEqual([]);
  });

  it('is not used up by a rollout, in which what comes pays for what leaves', () => {
    let ledger = emptyLedger;
    for (let step = 0; step < 10; step++) {
      const come = judge(ledger, aSaying(names(4), [], { at: step, gained: 1 }), onePerHalfHour);
      const gone = judge(come.ledger, aSaying(names(3), ['old'], { at: step }), onePerHalfHour);
      expect(gone.held).toEqual([]);
      ledger = gone.ledger;
    }
  });

  it('never lets the last one leave at once, however large it is', () => {
    const rules: BudgetRules = { ...onePerHalfHour, most: { kind: 'count', count: 100 } };
    expect(judge(emptyLedger, aSaying([], ['10.0.0.1']), rules).held).toEqual(['10.0.0.1']);
  });

  it('holds everything of a source in doubt', () => {
    expect(judge(emptyLedger, aSaying(names(9), ['x'], { inDoubt: true }), onePerHalfHour).held).toEqual(['x']);
  });

  it('forgets that it holds what comes back', () => {
    const { ledger } = judge(emptyLedger, aSaying([], names(3)), onePerHalfHour);
    const back = judge(ledger, aSaying(names(3), [], { at: 1, returned: names(3) }), onePerHalfHour);
    expect(back.ledger.held.size).toBe(0);
    expect(back.ledger.nextRelease).toBeUndefined();
  });
});
