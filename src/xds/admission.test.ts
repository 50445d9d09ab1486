import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { FakeClient } from '../../test/support/stream-rig.ts';
import { Admission, gate } from './admission.ts';
import { noObserver, type Refusal } from './observer.ts';

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

describe('the gate', () => {
  const refusals: Refusal[] = [];
  let admitted = 0;

  beforeEach(() => {
    refusals.length = 0;
    admitted = 0;
  });

  function enter(client: FakeClient, accept: () => void, objection?: string): void {
    const observer = { ...noObserver, refused: (refusal: Refusal) => refusals.push(refusal) };
    gate({ admission, objection: () => objection, observer, admitted: () => admitted++ }, client, accept);
  }

  it('asks who it is before anything is done, even before it is in turn (xds-protocol/X10)', () => {
    const client = new FakeClient();
    enter(client, () => expect.unreachable(), 'nobody knows it');
    expect(client.closed).toEqual({ status: 'UNAUTHENTICATED', detail: 'nobody knows it' });
    expect(refusals).toMatchObject([{ status: 'UNAUTHENTICATED' }]);
    expect(admitted).toBe(0);
  });

  it('does not serve a client that went away while it waited (xds-protocol/X7)', () => {
    for (let each = 0; each < 20; each++) enter(new FakeClient(), () => undefined);
    const gone = new FakeClient();
    enter(gone, () => expect.unreachable());
    expect(admission.waiting).toBe(1);
    gone.leave({ kind: 'broken', detail: 'gone' });
    expect(admission.waiting).toBe(0);
    clock.advance(1_000);
    expect(admitted).toBe(20);
  });

  it('says UNAVAILABLE to those for whom there is no place (hot-path/H901)', () => {
    const clients = Array.from({ length: 2_021 }, () => new FakeClient());
    for (const client of clients) enter(client, () => undefined);
    expect(clients.filter(({ closed }) => closed?.status === 'UNAVAILABLE')).toHaveLength(1);
    expect(refusals).toHaveLength(1);
  });
});
