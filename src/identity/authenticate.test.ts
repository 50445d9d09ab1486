import { describe, expect, it } from 'vitest';
import { aCredential, aKubernetesToken, aReview } from '../../test/support/credentials.ts';
import { authenticate, bearerToken } from './authenticate.ts';
import type { Caller } from './caller.ts';
import { certificateAuthenticator } from './certificate-caller.ts';
import { KubernetesTokens, type TokenReview } from './kubernetes-token.ts';

const now = 1_700_000_000_000;
const web = 'spiffe://cluster.local/ns/shop/sa/web';

describe('a client certificate', () => {
  const authenticator = certificateAuthenticator(['cluster.local', 'old.example']);

  it.each([
    ['its own trust domain', web],
    ['an alias', 'spiffe://old.example/ns/shop/sa/web'],
  ])(
    'is one of this mesh under %s, and proves one identity (istio-compat/I29, reliability/S51, reliability/S54)',
    async (_, uri) => {
      const certificate = { uris: [uri], instance: 'pod-1', notAfter: now + 1 };
      expect(await authenticator.authenticate(aCredential({ certificate }))).toEqual({
        kind: 'caller',
        caller: {
          identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' },
          ...{ by: 'certificate', instance: 'pod-1', expiresAt: now + 1 },
        },
      });
    },
  );

  it.each([
    ['no URI', []],
    ['two identities', [web, 'spiffe://cluster.local/ns/shop/sa/db']],
    ['one identity twice', [web, web]],
    ['another trust domain', ['spiffe://evil.example/ns/shop/sa/web']],
    ['a URI of another form', ['spiffe://cluster.local/shop/web']],
    ['a path that goes up', ['spiffe://cluster.local/ns/shop/../kube-system/sa/web']],
    ['a query', [`${web}?sa=db`]],
    ['an escaped slash', ['spiffe://cluster.local/ns/shop%2Fx/sa/web']],
    ['a port', ['spiffe://cluster.local:1/ns/shop/sa/web']],
    ['another scheme', ['https://cluster.local/ns/shop/sa/web']],
  ])('proves nothing with %s (reliability/S57, reliability/S61)', async (_, uris) => {
    const certificate = { uris, instance: undefined, notAfter: now + 1 };
    expect(await authenticator.authenticate(aCredential({ certificate }))).toMatchObject({ kind: 'refused' });
  });
});

describe('a Kubernetes token', () => {
  let time = now;
  let asked: string[] = [];

  function tokens(review: (token: string) => Promise<TokenReview> = () => Promise.resolve(aReview())) {
    time = now;
    asked = [];
    return new KubernetesTokens({
      trustDomain: 'cluster.local',
      audiences: ['weir.dev', 'istio-ca'],
      reviewer: (clusterId) => {
        if (clusterId !== '') return undefined;
        return (token) => {
          asked.push(token);
          return review(token);
        };
      },
      now: () => time,
    });
  }

  it('proves account and pod until it ends (istio-compat/I31, reliability/S50)', async () => {
    const token = aKubernetesToken({ exp: now / 1000 + 600 });
    expect(await tokens().authenticate(aCredential({ token }))).toEqual({
      kind: 'caller',
      caller: {
        identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' },
        ...{ by: 'kubernetes-token', instance: 'uid-1', expiresAt: now + 600_000 },
      },
    });
  });

  it('is believed for a minute and not beyond its end, and reviewed once however many ask (reliability/S50, kubernetes/K94)', async () => {
    const authenticator = tokens();
    const token = aKubernetesToken({ exp: now / 1000 + 90 });
    const ask = () => authenticator.authenticate(aCredential({ token }));
    await Promise.all([ask(), ask(), ask()]);
    time += 59_999;
    await ask();
    expect(asked).toHaveLength(1);
    time += 1;
    await ask();
    expect(asked).toHaveLength(2);
    time = now + 90_000;
    expect(await ask()).toMatchObject({ kind: 'refused' });
    expect(asked).toHaveLength(2);
  });

  it.each<[string, TokenReview]>([
    ['refused', { kind: 'refused', reason: 'x' }],
    ['unavailable', { kind: 'unavailable', reason: 'x' }],
  ])('is asked about again after an answer %s (kubernetes/K94, istio-compat/I32)', async (_, review) => {
    const authenticator = tokens(() => Promise.resolve(review));
    const token = aKubernetesToken({ exp: now / 1000 + 90 });
    for (let round = 0; round < 2; round++)
      expect(await authenticator.authenticate(aCredential({ token }))).toEqual(review);
    expect(asked).toHaveLength(2);
  });

  it('of which the API server cannot be asked is unavailable, and not refused (istio-compat/I32)', async () => {
    const authenticator = tokens(() => Promise.reject(new Error('away')));
    const token = aKubernetesToken({ exp: now / 1000 + 90 });
    expect(await authenticator.authenticate(aCredential({ token }))).toMatchObject({ kind: 'unavailable' });
  });

  it.each([
    ['for another audience', { aud: ['kubernetes.default.svc'] }],
    ['for none', { aud: undefined }],
    ['that has ended', { exp: now / 1000 }],
    ['without an end', { exp: undefined }],
  ])('%s is refused without a question (reliability/S57)', async (_, claims) => {
    const authenticator = tokens();
    const token = aKubernetesToken({ exp: now / 1000 + 90, ...claims });
    expect(await authenticator.authenticate(aCredential({ token }))).toMatchObject({ kind: 'refused' });
    expect(asked).toEqual([]);
  });

  it.each(['a', 'a.b', 'a.b.c', '..', `a.${Buffer.from('null').toString('base64url')}.c`])(
    'that is none is refused without a question: %s (reliability/S57)',
    async (token) => {
      const authenticator = tokens();
      expect(await authenticator.authenticate(aCredential({ token }))).toMatchObject({ kind: 'refused' });
      expect(asked).toEqual([]);
    },
  );

  it('of a cluster that nobody knows is refused (istio-compat/I30)', async () => {
    const token = aKubernetesToken({ exp: now / 1000 + 90 });
    expect(await tokens().authenticate(aCredential({ token, clusterId: 'elsewhere' }))).toMatchObject({
      kind: 'refused',
    });
  });

  it('that the server does not answer soon is one of few at once (kubernetes/K94)', async () => {
    const waiting: (() => void)[] = [];
    const authenticator = tokens(() => new Promise((resolve) => waiting.push(() => resolve(aReview()))));
    const answers = Array.from({ length: 40 }, (_, number) =>
      authenticator.authenticate(aCredential({ token: aKubernetesToken({ exp: now / 1000 + 90, jti: number }) })),
    );
    await Promise.resolve();
    expect(asked).toHaveLength(16);
    for (let round = 0; round < 40; round++) {
      for (const answer of waiting.splice(0)) answer();
      // As many turns as a review takes.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    await Promise.all(answers);
    expect(asked).toHaveLength(40);
  });
});

describe('authenticators together', () => {
  const caller: Caller = {
    identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' },
    by: 'certificate',
    instance: undefined,
    expiresAt: now + 1,
  };
  const [good, absent, bad, away] = [
    { kind: 'caller', caller },
    { kind: 'absent' },
    { kind: 'refused', reason: 'bad' },
    { kind: 'unavailable', reason: 'away' },
  ] as const;

  it.each([
    [[good], 'caller'],
    [[bad, good], 'caller'],
    [[away, good], 'caller'],
    [[bad, away], 'unavailable'],
    [[away, bad], 'unavailable'],
    [[absent, bad], 'unauthenticated'],
    [[absent], 'unauthenticated'],
    [[], 'unauthenticated'],
  ])('of whom %j say so give %s (istio-compat/I29, istio-compat/I32)', async (answers, kind) => {
    const authenticators = answers.map((answer) => ({
      name: 'certificate' as const,
      authenticate: () => Promise.resolve(answer),
    }));
    expect(await authenticate(authenticators, aCredential(), now)).toMatchObject({ kind });
    expect(await authenticate(authenticators, aCredential(), now + 1)).not.toMatchObject({ kind: 'caller' });
  });

  it('have no caller where one of them fails', async () => {
    const broken = { name: 'certificate' as const, authenticate: () => Promise.reject(new Error('a bug')) };
    expect(await authenticate([broken], aCredential(), now)).toMatchObject({ kind: 'unavailable' });
  });
});

it.each([
  ['Bearer a.b.c', 'a.b.c'],
  ['bearer a.b.c', 'a.b.c'],
  ['Basic a.b.c', undefined],
  ['Bearer a, Bearer b', undefined],
  ['Bearer ', undefined],
  [`Bearer ${'a'.repeat(20_000)}`, undefined],
  [undefined, undefined],
])('reads the token of %j (istio-compat/I30)', (authorization, token) => {
  expect(bearerToken(authorization)).toBe(token);
});
