import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoyForTests } from '../support/envoy.ts';
import { aDestinationRule, aPeerAuthentication } from '../support/mesh-rows.ts';
import { MutualTlsPair, portNames, type Outcome } from '../support/mutual-tls-pair.ts';

/** Traffic between two real Envoys, whatever the client's rule and the server's mode (policy P331 to P333, P4). */

const binary = await envoyForTests();

const modes = ['DISABLE', 'PERMISSIVE', 'STRICT'] as const;
const rules = ['none', 'DISABLE', 'ISTIO_MUTUAL'] as const;
type Mode = (typeof modes)[number];
type Rule = (typeof rules)[number];

const policyOf = (mode: Mode) => aPeerAuthentication('shop', { mtls: { mode } });
const ruleOf = (rule: Rule) =>
  aDestinationRule('api', rule === 'none' ? { host: 'api' } : { host: 'api', trafficPolicy: { tls: { mode: rule } } });

const expected: Readonly<Record<Mode, Readonly<Record<Rule, Outcome>>>> = {
  DISABLE: { none: 'in the clear', DISABLE: 'in the clear', ISTIO_MUTUAL: 'refused' },
  PERMISSIVE: { none: 'mutual TLS', DISABLE: 'in the clear', ISTIO_MUTUAL: 'mutual TLS' },
  STRICT: { none: 'mutual TLS', DISABLE: 'refused', ISTIO_MUTUAL: 'mutual TLS' },
};

describe.skipIf(binary === undefined)('mutual TLS between real Envoys', () => {
  let pair: MutualTlsPair;
  beforeAll(async () => (pair = await MutualTlsPair.start(binary ?? '')), 30_000);
  afterAll(() => pair?.stop());

  it('both have an identity', () => {
    expect(pair.origins).toEqual(['stream', 'stream']);
  });

  it.each(modes.flatMap((mode) => rules.map((rule) => ({ mode, rule, outcome: expected[mode][rule] }))))(
    'policy/P4, policy/P331, policy/P332, policy/P333, policy/P340: server $mode, rule of the client $rule: $outcome',
    async ({ mode, rule, outcome }) => {
      await pair.apply(policyOf(mode), ruleOf(rule));
      for (const port of portNames) await pair.meets(port, outcome);
    },
    60_000,
  );

  it('istio-compat/I125: between PERMISSIVE and STRICT no call is lost, under load', async () => {
    await pair.apply(policyOf('PERMISSIVE'), ruleOf('none'));
    for (const port of portNames) await pair.meets(port, 'mutual TLS');
    const calls = await pair.callsDuring(async () => {
      for (let round = 0; round < 4; round++) {
        await pair.apply(policyOf('STRICT'));
        for (const port of portNames) await pair.meets(port, 'mutual TLS');
        await pair.apply(policyOf('PERMISSIVE'));
        for (const port of portNames) await pair.meets(port, 'mutual TLS');
      }
    });
    expect(calls).toMatchObject({ 'in the clear': 0, refused: 0 });
    expect(calls['mutual TLS']).toBeGreaterThan(100);
  }, 60_000);

  it('xds-protocol/X307: a new certificate every moment costs no call, under load', async () => {
    await pair.apply(policyOf('STRICT'), ruleOf('none'));
    for (const port of portNames) await pair.meets(port, 'mutual TLS');
    const calls = await pair.callsDuring(async () => {
      for (let count = 2; count <= 8; count++) {
        pair.rotate('api');
        pair.rotate('web');
        await pair.tookCertificates(count);
        for (const port of portNames) await pair.meets(port, 'mutual TLS');
      }
    });
    expect(calls).toMatchObject({ 'in the clear': 0, refused: 0 });
    expect(calls['mutual TLS']).toBeGreaterThan(100);
  }, 60_000);
});
