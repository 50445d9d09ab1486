import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { aCaller } from '../../test/support/hand-fed-secrets.ts';
import { FakeClient } from '../../test/support/stream-rig.ts';
import type { Verdict } from '../identity/authenticate.ts';
import type { Caller } from '../identity/caller.ts';
import { Admission } from './admission.ts';
import { gate } from './gate.ts';
import { noObserver, type Refusal } from './observer.ts';

const noMetadata = { authorization: undefined, clusterId: '' };

describe('the gate', () => {
  let clock: ManualClock;
  let admission: Admission;
  const refusals: Refusal[] = [];
  let admitted = 0;

  beforeEach(() => {
    clock = new ManualClock();
    admission = new Admission({ perSecond: 200, longestWait: 10, clock });
    refusals.length = 0;
    admitted = 0;
  });

  function enter(client: FakeClient, accept: (caller: Caller | undefined) => void, verdict?: Promise<Verdict>): void {
    const observer = { ...noObserver, refused: (refusal: Refusal) => refusals.push(refusal) };
    const identify = verdict && (() => verdict);
    gate({ admission, identify, observer, admitted: () => admitted++ }, client, noMetadata, accept);
  }

  it.each<[string, Verdict, string, string]>([
    ['nothing', { kind: 'unauthenticated', cause: 'none', reason: 'why' }, 'UNAUTHENTICATED', 'no-credential'],
    [
      'a bad credential',
      { kind: 'unauthenticated', cause: 'refused', reason: 'why' },
      'UNAUTHENTICATED',
      'bad-credential',
    ],
    ['what cannot be verified', { kind: 'unavailable', reason: 'why' }, 'UNAVAILABLE', 'unverified'],
  ])(
    'asks who it is before anything is done, even before it is in turn, and tells a client that shows %s no reason (xds-protocol/X10, istio-compat/I29, istio-compat/I32)',
    async (_, verdict, status, reason) => {
      const client = new FakeClient();
      enter(client, () => expect.unreachable(), Promise.resolve(verdict));
      await Promise.resolve();
      expect(client.closed).toMatchObject({ status, detail: expect.not.stringContaining('why') });
      expect(refusals).toMatchObject([{ status, reason, message: 'why' }]);
      expect(admitted).toBe(0);
    },
  );

  it('says who calls, or that nobody was asked', async () => {
    const callers: (Caller | undefined)[] = [];
    enter(new FakeClient(), (caller) => callers.push(caller), Promise.resolve({ kind: 'caller', caller: aCaller() }));
    enter(new FakeClient(), (caller) => callers.push(caller));
    await Promise.resolve();
    expect(callers).toEqual([undefined, aCaller()]);
  });

  it('does nothing for a client that goes away while it is asked who it is (istio-compat/I247)', async () => {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const gone = new FakeClient();
    enter(gone, () => expect.unreachable(), promise);
    gone.leave({ kind: 'broken', detail: 'gone' });
    resolve({ kind: 'caller', caller: aCaller() });
    await promise;
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
    expect(refusals).toMatchObject([{ reason: 'too-many' }]);
  });
});
