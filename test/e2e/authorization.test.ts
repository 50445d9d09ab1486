import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases, issuer, ownHost, type ACall, type Case } from '../support/authorization-cases.ts';
import { meshOfCase, tokensOf } from '../support/authorization-mesh.ts';
import { GuardedEnvoy } from '../support/authorization-proxy.ts';
import { envoyForTests } from '../support/envoy.ts';
import { TokenIssuer } from '../support/tokens.ts';

/** The table of authorization on a real Envoy (reliability R73): what a policy means is what its filters do. */

const envoy = await envoyForTests();
const tokens = new TokenIssuer(issuer);

describe.skipIf(envoy === undefined)('a real Envoy', () => {
  let guarded: GuardedEnvoy;

  beforeAll(async () => {
    const workloads = cases.map(
      (each) =>
        [
          each.name,
          { engine: meshOfCase(each, tokensOf(issuer, tokens.keys)), protocol: each.protocol ?? 'http' },
        ] as const,
    );
    guarded = await GuardedEnvoy.start(envoy ?? '', new Map(workloads));
  });
  afterAll(async () => {
    await guarded?.stop();
  });

  const isAllowed = async ({ name, protocol }: Case, call: ACall): Promise<boolean> => {
    if (protocol === 'tcp') return guarded.isConnected(name, call.as);
    const token = call.claims === undefined ? {} : { authorization: `Bearer ${tokens.token(call.claims)}` };
    const headers = { ...call.headers, ...token };
    const { status, body } = await guarded.request(name, { host: ownHost, ...call, headers });
    if (status !== 200 && status !== 403) throw new Error(`${status} ${body}`);
    return status === 200;
  };

  it.each(cases)('$name', async (each) => {
    const seen = await Promise.all(each.calls.map(async (call) => ({ ...call, allowed: await isAllowed(each, call) })));
    expect(seen).toEqual(each.calls);
  });
});
