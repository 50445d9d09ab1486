import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { refusal, Session } from './session.ts';
import { subjects, type ContractServer } from './subjects.ts';

const audience = 'weir.test';

interface Review {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly error?: string;
  readonly user?: {
    readonly username: string;
    readonly groups: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

describe.each(subjects)('identities of $name', (subject) => {
  let server: ContractServer;
  let session: Session;
  const clients: ApiClient[] = [];

  beforeAll(async () => {
    server = await subject.start();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await server.stop();
  });
  beforeEach(async () => {
    session = await Session.begin(server.client);
    await session.create('serviceaccounts', { metadata: { name: 'web' } });
  });

  async function tokenOf(spec: object): Promise<string> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const made = await session.ask({ method: 'POST', path: session.path('serviceaccounts', 'web/token'), body });
    return (made['status'] as { readonly token: string }).token;
  }

  async function review(token: string, audiences?: readonly string[]): Promise<Review> {
    const spec = { token, ...(audiences === undefined ? {} : { audiences }) };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    return (await session.ask({ method: 'POST', path, body }))['status'] as Review;
  }

  function clientWith(token: string): ApiClient {
    const client = server.clientWith(token);
    clients.push(client);
    return client;
  }

  it('are told by a token for who reviews it under its audience (kubernetes/K93, kubernetes/K136)', async () => {
    const token = await tokenOf({ audiences: [audience], expirationSeconds: 600 });
    const { authenticated, audiences, user } = await review(token, [audience]);
    expect(authenticated).toBe(true);
    expect(audiences).toEqual([audience]);
    expect(user?.username).toBe(`system:serviceaccount:${session.namespace}:web`);
    expect(user?.groups).toEqual(
      expect.arrayContaining(['system:serviceaccounts', `system:serviceaccounts:${session.namespace}`]),
    );
    expect(user?.extra?.['authentication.kubernetes.io/pod-name']).toBeUndefined();
  });

  it('are not told under another audience, or none (kubernetes/K93, kubernetes/K136)', async () => {
    const token = await tokenOf({ audiences: [audience], expirationSeconds: 600 });
    for (const asked of [['somebody-else'], undefined]) {
      const answer = await review(token, asked);
      expect(answer.authenticated ?? false).toBe(false);
      expect(answer.user?.username ?? '').toBe('');
      expect(answer.error).toContain('audience');
    }
  });

  it('are those of the API server itself when a token names no audience (kubernetes/K136)', async () => {
    const token = await tokenOf({ expirationSeconds: 600 });
    expect(await review(token)).toMatchObject({ authenticated: true });
    expect((await review(token, [audience])).authenticated ?? false).toBe(false);
  });

  it('include the pod that a token is bound to (kubernetes/K93, kubernetes/K152)', async () => {
    const spec = { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }] };
    const { metadata } = await session.create('pods', { metadata: { name: 'web-1' }, spec });
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'web-1', uid: metadata.uid };
    const token = await tokenOf({ audiences: [audience], expirationSeconds: 600, boundObjectRef });
    const { user } = await review(token, [audience]);
    expect(user?.extra).toMatchObject({
      'authentication.kubernetes.io/pod-name': ['web-1'],
      'authentication.kubernetes.io/pod-uid': [metadata.uid],
    });
    const other = { ...boundObjectRef, uid: '00000000-0000-0000-0000-000000000000' };
    const refused = await refusal(tokenOf({ audiences: [audience], boundObjectRef: other }));
    expect(refused).toMatchObject({ status: 409, reason: 'Conflict' });
  });

  it('end with the pod that a token is bound to, some seconds later (kubernetes/K157)', async () => {
    const spec = { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }] };
    const { metadata } = await session.create('pods', { metadata: { name: 'web-1' }, spec });
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'web-1', uid: metadata.uid };
    const token = await tokenOf({ audiences: [audience], expirationSeconds: 600, boundObjectRef });
    await session.delete('pods', 'web-1', { gracePeriodSeconds: 0 });
    const holds = async () => (await review(token, [audience])).authenticated ?? false;
    await expect.poll(holds, { timeout: 25_000, interval: 200 }).toBe(false);
  });

  it('of another audience are nobody to the API server itself (kubernetes/K93)', async () => {
    const client = clientWith(await tokenOf({ audiences: [audience], expirationSeconds: 600 }));
    expect(await refusal(client.request({ path: session.path('pods') }))).toMatchObject({ status: 401 });
  });

  it('are not told by what is no token, whoever asks', async () => {
    const answer = await review('no.such.token', [audience]);
    expect(answer.authenticated ?? false).toBe(false);
    const asked = clientWith('no.such.token').request({ path: session.path('pods') });
    expect(await refusal(asked)).toMatchObject({ status: 401, reason: 'Unauthorized' });
  });

  it('may do what a role allows them, and nothing else (kubernetes/K14)', async ({ skip }) => {
    const { authorization } = subject.cannot;
    if (authorization !== undefined) skip(authorization);
    const client = clientWith(await tokenOf({ expirationSeconds: 600 }));
    const pods = session.path('pods');
    expect(await refusal(client.request({ path: pods }))).toMatchObject({ status: 403, reason: 'Forbidden' });
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }];
    const roles = 'rbac.authorization.k8s.io/v1/roles';
    await session.create(roles, { metadata: { name: 'reader' }, rules });
    await session.create('rbac.authorization.k8s.io/v1/rolebindings', {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'web', namespace: session.namespace }],
    });
    // The API server hears of the binding by a watch of its own.
    await expect.poll(() => client.request({ path: pods }).then(() => 'listed', String)).toBe('listed');
    const create = client.request({ method: 'POST', path: pods, body: { metadata: { name: 'x' } } });
    expect(await refusal(create)).toMatchObject({ status: 403 });
  });
});
