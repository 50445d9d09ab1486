import { afterEach, describe, expect, it } from 'vitest';
import { ObjectStoreClient, refused } from '../../../test/support/object-store-client.ts';
import { turns, VirtualTime } from '../../../test/support/virtual-time.ts';
import { silentLog } from '../../observe/log.ts';
import { Lease, type Leadership } from './lease.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/weir-system/leases/weir-status';
const running: { stop(): void; readonly done: Promise<unknown> }[] = [];
afterEach(async () => {
  for (const { stop } of running) stop();
  await Promise.allSettled(running.splice(0).map(({ done }) => done));
});

/** Processes that want one lease, on one API server. */
function aRace() {
  const time = new VirtualTime();
  const client = new ObjectStoreClient();
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const candidate = (identity: string, work: (leadership: Leadership) => Promise<void> = untilOver) => {
    const stopped = new AbortController();
    const history: string[] = [];
    let leadership: Leadership | undefined;
    const lease = new Lease({
      client,
      namespace: 'weir-system',
      name: 'weir-status',
      identity,
      clock: time,
      random: () => 0.5,
      log,
      whileLeading: async (granted) => {
        leadership = granted;
        history.push('leads');
        await work(granted);
        history.push('ended');
      },
    });
    const done = lease.run(stopped.signal);
    const candidacy = { lease, done, stop: () => stopped.abort(), history, held: () => leadership?.isHeld() === true };
    running.push(candidacy);
    return candidacy;
  };
  const holder = () => (client.objects.get(path)?.['spec'] as { holderIdentity: string } | undefined)?.holderIdentity;
  return { time, client, candidate, holder, warnings };
}

function untilOver({ signal }: Leadership): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

describe('a lease', () => {
  it('is made where there is none, with times of six digits (kubernetes/K104, kubernetes/K141)', async () => {
    const { time, candidate, client } = aRace();
    const one = candidate('weir-0');
    await time.advance(0);
    expect(one.history).toEqual(['leads']);
    expect(client.objects.get(path)?.['spec']).toEqual({
      holderIdentity: 'weir-0',
      leaseDurationSeconds: 15,
      acquireTime: '2023-11-14T22:13:20.000000Z',
      renewTime: '2023-11-14T22:13:20.000000Z',
      leaseTransitions: 0,
    });
  });

  it('has one holder of two who want it at the same moment: the other gets 409 and waits (kubernetes/K104)', async () => {
    const { time, candidate, client } = aRace();
    client.put(path, { metadata: { name: 'weir-status' }, spec: { holderIdentity: '', leaseTransitions: 3 } });
    const both = [candidate('weir-0'), candidate('weir-1')];
    await time.advance(60_000);
    expect(both.filter(({ lease }) => lease.isLeader)).toHaveLength(1);
    expect(both.map(({ history }) => history.length).toSorted()).toEqual([0, 1]);
    expect(client.objects.get(path)?.['spec']).toMatchObject({ leaseTransitions: 4 });
  });

  it('is renewed every two seconds, and keeps what others wrote on the object', async () => {
    const { time, candidate, client } = aRace();
    client.put(path, { metadata: { name: 'weir-status', labels: { team: 'mesh' } }, spec: {} });
    candidate('weir-0');
    await time.advance(20_000);
    expect(client.writes()).toHaveLength(11);
    expect(client.objects.get(path)?.metadata).toMatchObject({ labels: { team: 'mesh' } });
    expect(client.objects.get(path)?.['spec']).toMatchObject({ renewTime: '2023-11-14T22:13:40.000000Z' });
  });

  it('is given back at the end, after the work has settled, so that the next need not wait (kubernetes/K104)', async () => {
    const { time, candidate, holder } = aRace();
    let finish: () => void = () => undefined;
    const one = candidate('weir-0', async (leadership) => {
      await untilOver(leadership);
      await new Promise<void>((resolve) => (finish = resolve));
    });
    await time.advance(0);
    const two = candidate('weir-1');
    await time.advance(1_000);
    one.stop();
    await turns();
    expect([one.held(), holder()]).toEqual([false, 'weir-0']);
    finish();
    await one.done;
    expect(holder()).toBe('');
    await time.advance(2_400);
    expect(two.lease.isLeader).toBe(true);
  });

  it('passes on after 15 seconds of silence, and not before (kubernetes/K104)', async () => {
    const { time, candidate, client } = aRace();
    client.put(path, {
      metadata: { name: 'weir-status' },
      // Its clock says that it was renewed long ago, or will be: neither counts.
      spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime: '2033-11-14T22:13:20.000000Z' },
    });
    const one = candidate('weir-0');
    await time.advance(14_000);
    expect(one.history).toEqual([]);
    await time.advance(4_000);
    expect(one.history).toEqual(['leads']);
  });
});

describe('a holder', () => {
  it('stops when it cannot renew for ten seconds, before another may begin (kubernetes/K104)', async () => {
    const { time, candidate, client } = aRace();
    const one = candidate('weir-0');
    await time.advance(1_000);
    client.fault = () => new Promise(() => undefined);
    await time.advance(8_900);
    expect([one.held(), one.history]).toEqual([true, ['leads']]);
    await time.advance(200);
    expect([one.held(), one.history]).toEqual([false, ['leads', 'ended']]);
    client.fault = () => undefined;
    await time.advance(20_000);
    expect(one.history).toEqual(['leads', 'ended', 'leads']);
  });

  it('writes nothing more after its process stood still for too long', async () => {
    const { time, candidate } = aRace();
    const one = candidate('weir-0');
    await time.advance(1_000);
    expect(one.held()).toBe(true);
    time.stall(11_000);
    expect(one.held()).toBe(false);
    await time.advance(0);
    expect(one.history.slice(0, 2)).toEqual(['leads', 'ended']);
  });

  it('survives an edit of its lease by somebody else, and a renewal whose answer was lost', async () => {
    const { time, candidate, client } = aRace();
    const one = candidate('weir-0');
    await time.advance(1_000);
    const object = client.objects.get(path);
    client.put(path, { ...object, metadata: { ...object?.metadata, labels: { a: 'b' } } });
    await time.advance(30_000);
    expect([one.held(), one.history]).toEqual([true, ['leads']]);
  });

  it('stops as soon as it sees that another holds the lease', async () => {
    const { time, candidate, client } = aRace();
    const one = candidate('weir-0');
    await time.advance(1_000);
    const spec = { holderIdentity: 'thief', leaseDurationSeconds: 15 };
    client.put(path, { ...client.objects.get(path), metadata: { name: 'weir-status' }, spec });
    await time.advance(4_100);
    expect([one.held(), one.history]).toEqual([false, ['leads', 'ended']]);
  });

  it('gives the lease back when its work fails, and fails with it', async () => {
    const { candidate, holder } = aRace();
    const one = candidate('weir-0', () => Promise.reject(new Error('a bug')));
    await expect(one.done).rejects.toThrow('a bug');
    expect(holder()).toBe('');
  });
});

it('says once which right is missing, and leads when it is given', async () => {
  const { time, candidate, client, warnings } = aRace();
  client.fault = () => refused(403, 'Forbidden');
  const one = candidate('weir-0');
  await time.advance(60_000);
  expect(warnings).toEqual([
    'Weir may not keep its lease: it needs get, create and update on leases.coordination.k8s.io in the namespace weir-system',
  ]);
  client.fault = () => undefined;
  await time.advance(2_400);
  expect(one.history).toEqual(['leads']);
});
