import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anAuthority, MemoryStore, SteppedClock } from '../../test/support/authorities.ts';
import { JoinTokenAuthenticator, joinTokenKey, signJoinToken } from './join-tokens.ts';
import { makeKey } from './make-root.ts';

const identity = { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' };
const subject = { identity, instance: 'machine-7' };
const hour = 3_600_000;

async function aMesh() {
  const clock = new SteppedClock();
  const key = await joinTokenKey(new MemoryStore());
  const authenticator = new JoinTokenAuthenticator({ trustDomain: 'cluster.local', key: () => key, clock });
  const token = (options: Partial<Parameters<typeof signJoinToken>[0]> = {}): Promise<string> =>
    signJoinToken({ key, subject, lifetime: 3600, now: clock.time, ...options });
  return { clock, key, authenticator, token };
}

function base64(content: unknown): string {
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString('base64url');
}

/** A token of which everything is as the test says. */
function forged(header: object, payload: object, signature: (text: string) => Buffer): string {
  const text = `${base64(header)}.${base64(payload)}`;
  return `${text}.${signature(text).toString('base64url')}`;
}

it('says who a machine is, and until when', async () => {
  const { clock, authenticator, token } = await aMesh();
  expect(await authenticator.authenticate({ token: await token() })).toEqual({
    kind: 'caller',
    caller: { identity, by: 'join-token', instance: 'machine-7', expiresAt: clock.time + hour },
  });
});

it.each([undefined, '', 'eyJ', 'a.b.c', `${base64({ alg: 'RS256', typ: 'JWT' })}.e30.AA`])(
  'leaves %j to others',
  async (token) => {
    const { authenticator } = await aMesh();
    expect(await authenticator.authenticate({ token })).toEqual({ kind: 'absent' });
  },
);

describe('a join token that does not hold', () => {
  const header = { alg: 'ES256', typ: 'weir-join+jwt' };
  const claims = (now: number) => ({
    iss: 'weir',
    aud: 'weir:cluster.local',
    sub: 'spiffe://cluster.local/ns/shop/sa/web',
    instance: 'machine-7',
    iat: now / 1000,
    exp: now / 1000 + 60,
  });
  const signedBy = (key: string) => (text: string) =>
    sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });

  it('the forger of this test makes one that holds when all is right', async () => {
    const { clock, key, authenticator } = await aMesh();
    const token = forged(header, claims(clock.time), signedBy(key));
    expect(await authenticator.authenticate({ token })).toMatchObject({ kind: 'caller' });
  });

  it.each([
    ['has ended', { exp: 0 }],
    ['never ends', { exp: undefined }],
    ['ends at no time', { exp: 'never' }],
    ['is for another mesh', { aud: 'weir:other' }],
    ['is for nobody', { aud: undefined }],
    ['is for Kubernetes', { aud: 'istio-ca' }],
    ['is of another issuer', { iss: 'kubernetes/serviceaccount' }],
    ['names an identity of another mesh', { sub: 'spiffe://other/ns/shop/sa/web' }],
    ['names no identity', { sub: 'web' }],
    ['names no machine', { instance: undefined }],
    ['names an empty machine', { instance: '' }],
    ['names an endless machine', { instance: 'x'.repeat(300) }],
  ])('%s', async (_, change) => {
    const { clock, key, authenticator } = await aMesh();
    const token = forged(header, { ...claims(clock.time), ...change }, signedBy(key));
    expect(await authenticator.authenticate({ token })).toMatchObject({ kind: 'refused' });
  });

  it('is signed by another key, or not at all, or by another algorithm', async () => {
    const { clock, key, authenticator } = await aMesh();
    const content = claims(clock.time);
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const tokens = [
      forged(header, content, signedBy((await makeKey()).privateKey)),
      forged(header, content, () => Buffer.alloc(64)),
      forged({ ...header, alg: 'none' }, content, () => Buffer.alloc(0)),
      // The public key as the secret of a MAC: whoever lets the token choose the algorithm is fooled by it.
      forged({ ...header, alg: 'HS256' }, content, (text) => createHmac('sha256', publicKey).update(text).digest()),
      forged({ ...header, alg: 'RS256' }, content, (text) => sign('sha256', Buffer.from(text), rsa)),
      forged({ ...header, crit: ['exp'] }, content, signedBy(key)),
      forged({ ...header, jwk: {} }, content, signedBy((await makeKey()).privateKey)),
    ];
    for (const token of tokens) expect(await authenticator.authenticate({ token })).toMatchObject({ kind: 'refused' });
  });

  it('was changed', async () => {
    const { authenticator, token } = await aMesh();
    const [head, , signature] = (await token()).split('.');
    const { payload: other } = { payload: (await token({ subject: { ...subject, instance: 'other' } })).split('.')[1] };
    expect(await authenticator.authenticate({ token: `${head}.${other}.${signature}` })).toMatchObject({
      kind: 'refused',
    });
  });

  it('is past its hour', async () => {
    const { clock, authenticator, token } = await aMesh();
    const text = await token();
    clock.pass(hour - 1000);
    expect(await authenticator.authenticate({ token: text })).toMatchObject({ kind: 'caller' });
    clock.pass(1000);
    expect(await authenticator.authenticate({ token: text })).toMatchObject({ kind: 'refused' });
  });
});

it('istio-compat/I32: cannot be verified while no key is known', async () => {
  const { clock, token } = await aMesh();
  const authenticator = new JoinTokenAuthenticator({ trustDomain: 'cluster.local', key: () => undefined, clock });
  expect(await authenticator.authenticate({ token: await token() })).toMatchObject({ kind: 'unavailable' });
});

it('has a key from the start where Weir makes the authority: the first token is good at once', async () => {
  const store = new MemoryStore();
  const authority = anAuthority({ store });
  await authority.open();
  expect(authority.tokenKey).toBe(await joinTokenKey(store));
});

it('has one key for all who make tokens, beside the authority and without one', async () => {
  const store = new MemoryStore();
  const keys = await Promise.all(Array.from({ length: 3 }, () => joinTokenKey(store)));
  expect(new Set(keys).size).toBe(1);
  const authority = anAuthority({ store });
  await authority.open();
  expect(authority.tokenKey).toBe(keys[0]);
  expect(await joinTokenKey(store)).toBe(keys[0]);
});
