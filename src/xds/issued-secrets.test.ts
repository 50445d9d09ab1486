import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { HandFedAuthority } from '../../test/support/hand-fed-authority.ts';
import { aCaller } from '../../test/support/hand-fed-secrets.ts';
import { IssuedSecrets } from './issued-secrets.ts';
import type { Secret } from './secrets.ts';

const hour = 3_600_000;

function aRig() {
  const [clock, authority] = [new ManualClock(), new HandFedAuthority()];
  authority.notAfter = clock.wallTime() + 24 * hour;
  const secrets = new IssuedSecrets({ authority, clock, random: () => 0.5 });
  const told: Secret[] = [];
  return { clock, authority, secrets, told, hear: (secret: Secret) => void told.push(secret) };
}

describe('issued secrets', () => {
  it('are a key and certificate for the identity and the instance of the caller (istio-compat/I66, reliability/S54)', async () => {
    const { authority, secrets, told, hear } = aRig();
    secrets.follow(aCaller('web', { instance: 'pod-1' }), 'own-certificate', hear);
    await setImmediate();
    expect(authority.issued).toEqual([{ identity: aCaller('web').identity, instance: 'pod-1' }]);
    expect(told).toEqual([{ kind: 'key-pair', privateKey: 'KEY OF web 1', chain: ['CERTIFICATE OF web 1'] }]);
  });

  it('are renewed with a new key after a third of their life', async () => {
    const { clock, authority, secrets, told, hear } = aRig();
    secrets.follow(aCaller('web'), 'own-certificate', hear);
    await setImmediate();
    clock.advance(0.325 * 24 * hour - 1);
    expect(authority.issued).toHaveLength(1);
    clock.advance(1);
    await setImmediate();
    expect(told.at(-1)).toMatchObject({ privateKey: 'KEY OF web 2' });
  });

  it('are asked for again, less and less often, until they can be had (istio-compat/I57)', async () => {
    const { clock, authority, secrets, told, hear } = aRig();
    authority.refusal = { kind: 'busy', reason: 'too many' };
    secrets.follow(aCaller('web'), 'own-certificate', hear);
    await setImmediate();
    const pauses: number[] = [];
    for (let attempts = 1; attempts < 9; attempts++) {
      const before = clock.now();
      while (authority.issued.length === attempts) {
        clock.advance(125);
        await setImmediate();
      }
      pauses.push(clock.now() - before);
    }
    expect(pauses).toEqual([375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500]);
    expect(told).toEqual([]);
    authority.refusal = undefined;
    clock.advance(30_000);
    await setImmediate();
    expect(told).toHaveLength(1);
  });

  it('are not made for a stream that is gone', async () => {
    const { clock, authority, secrets, told, hear } = aRig();
    const stop = secrets.follow(aCaller('web'), 'own-certificate', hear);
    stop();
    await setImmediate();
    clock.advance(48 * hour);
    expect(authority.issued).toHaveLength(1);
    expect(told).toEqual([]);
  });

  it('give everybody the same bundle, and the next one when it changes (istio-compat/I56)', () => {
    const { authority, secrets, told, hear } = aRig();
    const stops = ['web', 'db'].map((account) => secrets.follow(aCaller(account), 'trust-bundle', hear));
    expect(told).toEqual([{ kind: 'trust-bundle', certificates: 'ROOT ONE' }, told[0]]);
    expect(told[1]).toBe(told[0]);
    authority.rotate('ROOT ONE');
    expect(told).toHaveLength(2);
    authority.rotate('ROOT ONE ROOT TWO');
    expect(told.slice(2)).toMatchObject([{ certificates: 'ROOT ONE ROOT TWO' }, { certificates: 'ROOT ONE ROOT TWO' }]);
    for (const stop of stops) stop();
    expect(authority.followers.size).toBe(0);
  });
});
