import { expect, it } from 'vitest';
import { longestLifetime, untilRenewal, validityFor } from './lifetime.ts';

const now = Date.UTC(2026, 5, 1);
const hour = 3_600_000;
const issuer = { notBefore: now - hour, notAfter: now + 10 * hour };

it('reliability/R30, reliability/S65: begins 5 minutes ago', () => {
  expect(validityFor(now, 3600, issuer)).toEqual({
    kind: 'valid',
    validity: { notBefore: now - 5 * 60_000, notAfter: now + hour },
  });
});

it('istio-compat/I51, reliability/S65: ends with its issuer at the latest', () => {
  expect(validityFor(now, 86_400, issuer)).toMatchObject({ validity: { notAfter: issuer.notAfter } });
});

it.each([longestLifetime + 1, Infinity, NaN])('istio-compat/I51: refuses %s seconds', (seconds) => {
  expect(validityFor(now, seconds, issuer)).toMatchObject({ kind: 'invalid' });
});

it('istio-compat/I51: grants 90 days', () => {
  expect(validityFor(now, longestLifetime, { ...issuer, notAfter: now + 1e12 })).toMatchObject({ kind: 'valid' });
});

it('istio-compat/I51, reliability/R30: refuses when the issuer has ended, and says both times', () => {
  expect(validityFor(issuer.notAfter, 3600, issuer)).toEqual({
    kind: 'unavailable',
    reason:
      'the authority ended at 2026-06-01T10:00:00.000Z, and the clock of this machine says 2026-06-01T10:00:00.000Z',
  });
  expect(validityFor(issuer.notBefore - 1, 3600, issuer)).toMatchObject({ kind: 'unavailable' });
});

it('leaves an outage of 12 hours a margin when a certificate of 24 hours is replaced', () => {
  for (const random of [0, 0.5, 0.999]) {
    const left = 24 * hour - untilRenewal(24 * hour, random);
    expect(left).toBeGreaterThan(15 * hour);
    expect(left).toBeLessThan(17 * hour);
  }
});
