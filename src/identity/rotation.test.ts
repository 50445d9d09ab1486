import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anAuthority, MemoryStore, signedOf, SteppedClock, web } from '../../test/support/authorities.ts';
import { aRequest } from '../../test/support/certificate-requests.ts';
import { requestRotation } from './change-state.ts';
import { nextStep, type RotationFacts } from './rotation.ts';
import type { StoredAuthority } from './stored-authority.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.UTC(2026, 0, 1);
const next = { certificate: 'next', key: 'key' };

function facts(change: Partial<RotationFacts> = {}): RotationFacts {
  return {
    now,
    root: { notBefore: now - day, notAfter: now + 3650 * day },
    longestLifetime: 86_400,
    unconfirmed: 0,
    ...change,
  };
}

describe('the next step', () => {
  it('istio-compat/I51: is to begin when a fifth of the life of the root is left', () => {
    const root = { notBefore: 0, notAfter: 1000 };
    expect(nextStep({ kind: 'steady' }, facts({ root, now: 799 }))).toEqual({ kind: 'none' });
    expect(nextStep({ kind: 'steady' }, facts({ root, now: 800 }))).toEqual({ kind: 'begin' });
  });

  it('is to begin when somebody wants it', () => {
    expect(nextStep({ kind: 'requested' }, facts())).toEqual({ kind: 'begin' });
  });

  it.each([
    ['switch', { kind: 'adding', since: now, next }],
    ['drop', { kind: 'dropping', since: now }],
  ] as const)('istio-compat/I56: is to %s after a full life of a certificate, and not before', (kind, rotation) => {
    expect(nextStep(rotation, facts({ now: now + day }))).toEqual({ kind: 'none' });
    expect(nextStep(rotation, facts({ now: now + day + 10 * minute }))).toEqual({ kind });
    const longer = facts({ now: now + 2 * day, longestLifetime: 30 * 86_400 });
    expect(nextStep(rotation, longer)).toEqual({ kind: 'none' });
  });

  it.each([
    ['adding', { kind: 'adding', since: now, next }],
    ['dropping', { kind: 'dropping', since: now }],
  ] as const)('reliability/R29: while %s it waits for every proxy, of other replicas too', (_, rotation) => {
    const late = now + 10 * day;
    expect(nextStep(rotation, facts({ now: late, unconfirmed: 1 }))).toEqual({ kind: 'hold' });
    const held = { ...rotation, heldAt: late };
    expect(nextStep(held, facts({ now: late + minute, unconfirmed: 1 }))).toEqual({ kind: 'none' });
    expect(nextStep(held, facts({ now: late + 5 * minute, unconfirmed: 1 }))).toEqual({ kind: 'hold' });
    // Another replica has nothing to wait for, and knows that this one has.
    expect(nextStep(held, facts({ now: late + 14 * minute }))).toEqual({ kind: 'none' });
    expect(nextStep(held, facts({ now: late + 15 * minute })).kind).not.toBe('none');
  });
});

/** A mesh in which time passes by the hour, each of which every replica looks at the store. */
function aMesh(unconfirmed: () => number = () => 0) {
  const clock = new SteppedClock();
  const store = new MemoryStore();
  const started: AbortController[] = [];
  const start = async (): Promise<StoredAuthority> => {
    const authority = anAuthority({ store, clock, unconfirmed });
    await authority.open();
    const stop = new AbortController();
    started.push(stop);
    void authority.run(stop.signal);
    await settled();
    return authority;
  };
  /** Every replica has looked, done what was to be done, and waits for the next look. */
  const settled = async (): Promise<void> => {
    while (clock.alarms < started.length) await new Promise((resolve) => void setImmediate(resolve));
  };
  const stopAll = (): void => {
    for (const stop of started.splice(0)) stop.abort();
  };
  const pass = async (hours: number, every?: () => Promise<void>): Promise<void> => {
    for (let passed = 0; passed < hours; passed++) {
      clock.pass(hour);
      await settled();
      await every?.();
    }
  };
  return { clock, store, start, stopAll, pass };
}

function rootsIn(bundle: string): readonly X509Certificate[] {
  return (bundle.match(/-----BEGIN[^]+?-----END CERTIFICATE-----\n/g) ?? []).map((pem) => new X509Certificate(pem));
}

function isTrusted(leaf: X509Certificate, bundle: string): boolean {
  return rootsIn(bundle).some((root) => leaf.checkIssued(root) && leaf.verify(root.publicKey));
}

describe('istio-compat/I56: the replacement of a root', () => {
  it('breaks no certificate on its way, and ends with the new root alone', async () => {
    const { clock, store, start, stopAll, pass } = aMesh();
    const authority = await start();
    const [first] = rootsIn(authority.trustBundle);
    expect(await requestRotation(store)).toBe(true);
    expect(await requestRotation(store)).toBe(false);
    const alive: { readonly leaf: X509Certificate; readonly notAfter: number }[] = [];
    const steps = new Set<string>();
    await pass(60, async () => {
      const { chain, notAfter } = signedOf(await authority.sign(web, aRequest()));
      alive.push({ leaf: new X509Certificate(chain[0] ?? ''), notAfter });
      steps.add(authority.report?.rotation ?? '');
      const living = alive.filter((each) => each.notAfter > clock.time);
      expect(living.filter(({ leaf }) => !isTrusted(leaf, authority.trustBundle))).toEqual([]);
    });
    stopAll();
    expect([...steps]).toEqual(['adding', 'dropping', 'steady']);
    const roots = rootsIn(authority.trustBundle);
    expect(roots).toHaveLength(1);
    expect(roots[0]?.fingerprint256).not.toBe(first?.fingerprint256);
  });

  it('does not sign with a root that was not in the bundle for a full life of a certificate', async () => {
    const { store, start, stopAll, pass } = aMesh();
    const authority = await start();
    const bundles: string[] = [];
    await requestRotation(store);
    await pass(60, async () => {
      bundles.push(authority.trustBundle);
      const [leaf = ''] = signedOf(await authority.issue(web)).chain;
      // A peer that got its last certificate, and the bundle with it, a whole life ago.
      expect(isTrusted(new X509Certificate(leaf), bundles.at(-25) ?? bundles[0] ?? '')).toBe(true);
    });
    stopAll();
  });

  it('reliability/R29: goes on after a restart where it was, and takes each step once, however many replicas there are', async () => {
    const { store, start, stopAll, pass } = aMesh();
    await start();
    await start();
    await requestRotation(store);
    await pass(5);
    const during = await start();
    const { trustBundle } = during;
    expect(rootsIn(trustBundle)).toHaveLength(2);
    stopAll();
    const [again] = [await start(), await start(), await start()];
    expect(again.trustBundle).toBe(trustBundle);
    const [, expected] = rootsIn(trustBundle);
    await pass(60);
    stopAll();
    expect(rootsIn(again.trustBundle).map(({ fingerprint256 }) => fingerprint256)).toEqual([expected?.fingerprint256]);
    // One for the root, one for the wish, three steps.
    expect(store.writes).toBe(5);
  });

  it('reliability/R29: waits for a proxy that has not confirmed, and says so', async () => {
    let waiting = 1;
    const { store, start, stopAll, pass } = aMesh(() => waiting);
    const authority = await start();
    await requestRotation(store);
    await pass(72);
    expect(authority.report).toMatchObject({ rotation: 'adding', waiting: { proxies: 1 } });
    waiting = 0;
    await pass(3);
    stopAll();
    expect(authority.report).toMatchObject({ rotation: 'dropping' });
  });

  it('waits longer where somebody was given a longer life', async () => {
    const { store, start, stopAll, pass } = aMesh();
    const authority = await start();
    signedOf(await authority.sign(web, aRequest(), 3 * 86_400));
    await requestRotation(store);
    await pass(72);
    expect(authority.report).toMatchObject({ rotation: 'adding' });
    await pass(2);
    stopAll();
    expect(authority.report).toMatchObject({ rotation: 'dropping' });
  });

  it('tells those who follow the authority of each step', async () => {
    const { store, start, stopAll, pass } = aMesh();
    const authority = await start();
    let changes = 0;
    const end = authority.follow(() => changes++);
    await requestRotation(store);
    await pass(60);
    expect(changes).toBe(3);
    end();
    stopAll();
  });
});
