import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RefusalReason } from '../../src/xds/observer.ts';
import { Authority } from '../support/certificates.ts';
import { aKubernetesToken } from '../support/credentials.ts';
import { SecureRig, type Attempt, type ReviewedUser } from '../support/secure-rig.ts';

/** Attacks with credentials on Weir's own listeners (reliability S57, SC22): none is served a byte, and each is counted with its reason. */

const [unauthenticated, denied, unavailable, unimplemented] = [16, 7, 14, 12];
const [uid, otherUid] = [randomUUID(), randomUUID()];
const node = 'sidecar~10.0.0.1~app-1.shop~shop.svc.cluster.local';
const otherNode = 'sidecar~10.0.0.2~app-2.shop~shop.svc.cluster.local';
const web = 'spiffe://cluster.local/ns/shop/sa/web';

let rig: SecureRig;

beforeAll(async () => {
  rig = await SecureRig.start();
  rig.mesh.put('cluster', 'secret-backend', 'x');
});

afterAll(() => rig.stop());

beforeEach(() => {
  rig.refusals.length = 0;
  rig.users.clear();
  rig.isApiServerAway = false;
  rig.pod('app-1', uid, '10.0.0.1');
  rig.pod('app-2', otherUid, '10.0.0.2');
  rig.pod('db-1', randomUUID(), '10.0.0.3', 'db');
  rig.pod('vault-1', randomUUID(), '10.0.0.4', 'vault', 'bank');
});

/** A token that is known as this user. */
function tokenOf(user: ReviewedUser = { pod: uid }, claims: Readonly<Record<string, unknown>> = {}): string {
  const token = aKubernetesToken({ jti: randomUUID(), ...claims });
  rig.users.set(token, user);
  return token;
}

function certificateOf(...names: readonly string[]) {
  return rig.authority.issue('web', ...names);
}

describe('what is served', () => {
  it('is a pod that comes with its own token (istio-compat/I31, reliability/S50)', async () => {
    expect(await rig.attempt({ node, token: tokenOf() })).toMatchObject({ code: undefined, detail: 'secret-backend' });
  });

  it('is its key, made for who it is (istio-compat/I66)', async () => {
    const outcome = await rig.attempt({ node, token: tokenOf(), type: 'secret', names: ['default'] });
    expect(outcome).toMatchObject({ code: undefined, detail: 'default' });
  });

  it('is a workload with a certificate of the mesh (reliability/S51)', async () => {
    rig.removePod('app-1');
    expect(await rig.attempt({ node, certificate: certificateOf(web) })).toMatchObject({ code: undefined });
  });
});

type Row = readonly [attack: string, attempt: () => Attempt, code: number, reason: RefusalReason | undefined];

const rows: readonly Row[] = [
  ['no credential', () => ({ node }), unauthenticated, 'no-credential'],
  ['text that is no token', () => ({ node, token: 'let-me-in' }), unauthenticated, 'bad-credential'],
  [
    'a token that the API server does not know',
    () => ({ node, token: aKubernetesToken() }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a token for another audience',
    () => ({ node, token: tokenOf({ pod: uid }, { aud: ['vault'] }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a token that claims an audience which its review does not confirm',
    () => ({ node, token: tokenOf({ pod: uid, audiences: [] }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a token whose review confirms another audience',
    () => ({ node, token: tokenOf({ pod: uid, audiences: ['vault'] }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'an expired token',
    () => ({ node, token: tokenOf({ pod: uid }, { exp: 1_700_000_000 }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a token without an end',
    () => ({ node, token: tokenOf({ pod: uid }, { exp: undefined }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a token that is not authenticated',
    () => ({ node, token: tokenOf({ pod: uid, authenticated: false }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a review with an error',
    () => ({ node, token: tokenOf({ pod: uid, error: 'odd' }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'the token of a person',
    () => ({ node, token: tokenOf({ username: 'alice', pod: uid }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a user name with five parts',
    () => ({ node, token: tokenOf({ username: 'system:serviceaccount:shop:web:x', pod: uid }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a service account without its group',
    () => ({ node, token: tokenOf({ groups: ['system:authenticated'], pod: uid }) }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a token of a cluster that nobody knows',
    () => ({ node, token: tokenOf(), headers: { clusterid: 'elsewhere' } }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a forwarded client certificate from this machine',
    () => ({ node, headers: { 'x-forwarded-client-cert': `URI=${web}` } }),
    unauthenticated,
    'no-credential',
  ],
  [
    'a token in another scheme',
    () => ({ node, headers: { authorization: `Basic ${tokenOf()}` } }),
    unauthenticated,
    'no-credential',
  ],
  ['a token that is bound to no pod', () => ({ node, token: tokenOf({}) }), denied, 'node'],
  ["another pod's token", () => ({ node, token: tokenOf({ pod: otherUid }) }), denied, 'node'],
  [
    'the token of another account',
    () => ({ node, token: tokenOf({ username: 'system:serviceaccount:shop:db', pod: uid }) }),
    denied,
    'node',
  ],
  [
    'the token of another namespace',
    () => ({ node, token: tokenOf({ username: 'system:serviceaccount:bank:web', pod: uid }) }),
    denied,
    'node',
  ],
  [
    'the own token and the address of another pod',
    () => ({ node: 'sidecar~10.0.0.2~app-1.shop~shop.svc.cluster.local', token: tokenOf() }),
    denied,
    'node',
  ],
  [
    'the own token and another domain part',
    () => ({ node: 'sidecar~10.0.0.1~app-1.shop~bank.svc.cluster.local', token: tokenOf() }),
    denied,
    'node',
  ],
  [
    'a pod that does not exist',
    () => ({ node: 'sidecar~10.0.0.9~ghost.shop~shop.svc.cluster.local', token: tokenOf({ pod: randomUUID() }) }),
    unavailable,
    'node',
  ],
  [
    'a token that cannot be reviewed',
    () => {
      rig.isApiServerAway = true;
      return { node, token: tokenOf() };
    },
    unavailable,
    'unverified',
  ],
  [
    'a certificate of two identities',
    () => ({ node, certificate: certificateOf(web, 'spiffe://cluster.local/ns/shop/sa/db') }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a certificate of a host',
    () => ({ node, certificate: certificateOf('web.shop.svc') }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a certificate of another trust domain',
    () => ({ node, certificate: certificateOf('spiffe://evil.example/ns/shop/sa/web') }),
    unauthenticated,
    'bad-credential',
  ],
  [
    'a certificate of another namespace',
    () => ({ node, certificate: certificateOf('spiffe://cluster.local/ns/bank/sa/web') }),
    denied,
    'node',
  ],
  [
    'a certificate of another account',
    () => ({ node, certificate: certificateOf('spiffe://cluster.local/ns/shop/sa/db') }),
    denied,
    'node',
  ],
  [
    'a self-signed certificate with the right name',
    () => ({ node, certificate: new Authority('web').issue('web', web) }),
    unavailable,
    undefined,
  ],
  [
    'the signing service without a credential',
    () => ({ node, path: '/istio.v1.auth.IstioCertificateService/CreateCertificate' }),
    unauthenticated,
    'no-credential',
  ],
  [
    'the signing service on the plaintext port',
    () => ({ node, plaintext: true, path: '/istio.v1.auth.IstioCertificateService/CreateCertificate' }),
    unimplemented,
    undefined,
  ],
  [
    'the status of proxies without a credential',
    () => ({ node, path: '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus' }),
    unauthenticated,
    'no-credential',
  ],
  [
    'the status of proxies on the plaintext port',
    () => ({ node, plaintext: true, path: '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus' }),
    unimplemented,
    undefined,
  ],
  [
    'a path without a slash',
    () => ({ node, path: 'envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources' }),
    unimplemented,
    undefined,
  ],
];

describe(`${rows.length} attacks`, () => {
  it.each(rows)('%s: refused (reliability/S57, reliability/SC22)', async (_, attempt, code, reason) => {
    const outcome = await rig.attempt(attempt());
    expect(outcome).toMatchObject({ code, bytes: 0 });
    expect(outcome.detail).not.toMatch(/shop|bank|vault|uid|audience|expired/);
    expect(rig.refusals.map((refusal) => refusal.reason)).toEqual(reason === undefined ? [] : [reason]);
    expect(await rig.attempt({ node, token: tokenOf() }).then(({ code: next }) => next)).toBe(
      rig.isApiServerAway ? unavailable : undefined,
    );
  });

  it('with the token of a pod that has been deleted since: refused, though its review is remembered (reliability/S57)', async () => {
    const token = tokenOf();
    expect((await rig.attempt({ node, token })).code).toBeUndefined();
    rig.removePod('app-1');
    expect(await rig.attempt({ node, token })).toMatchObject({ code: unavailable, bytes: 0 });
  });

  it('with another node in the middle of a stream: ended (reliability/S57)', async () => {
    const outcome = await rig.attempt({ node, token: tokenOf(), nextNode: otherNode });
    expect(outcome).toMatchObject({ code: denied });
    expect(rig.refusals).toMatchObject([{ reason: 'node' }]);
  });

  it('on secrets from the plaintext port: none are there (reliability/S7, reliability/S17)', async () => {
    const outcome = await rig.attempt({ node, plaintext: true, type: 'secret', names: ['default', 'ROOTCA'] });
    expect(outcome).toMatchObject({ code: undefined, detail: '' });
    expect(rig.denials.splice(0).map(({ reason }) => reason)).toEqual(['no-identity', 'no-identity']);
  });
});
