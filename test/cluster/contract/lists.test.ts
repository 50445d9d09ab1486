import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { namesOf, refusal, Session } from './session.ts';
import { subjects, type ContractServer } from './subjects.ts';

describe.each(subjects)('lists of $name', (subject) => {
  let server: ContractServer;
  let session: Session;

  beforeAll(async () => {
    server = await subject.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    session = await Session.begin(server.client);
  });

  async function threeSecrets(): Promise<void> {
    for (const name of ['a', 'b', 'c']) await session.create('secrets', { metadata: { name } });
  }

  it('are whole when any cached version will do, whatever the limit (kubernetes/K12, kubernetes/K138, kubernetes/K156)', async () => {
    await threeSecrets();
    const { resourceVersion } = (await session.list('secrets')).metadata;
    // The cache that answers may be a moment behind what was written, unless it is told how new it must be.
    await session.list('secrets', { resourceVersion, resourceVersionMatch: 'NotOlderThan' });
    const list = await session.list('secrets', { resourceVersion: '0', limit: '1' });
    expect(namesOf(list)).toEqual(['a', 'b', 'c']);
    expect(list.metadata.continue ?? '').toBe('');
  });

  it('come in pages that show one moment (kubernetes/K12)', async () => {
    await threeSecrets();
    const first = await session.list('secrets', { limit: '2' });
    expect(namesOf(first)).toEqual(['a', 'b']);
    expect(first.metadata.remainingItemCount).toBe(1);
    await session.create('secrets', { metadata: { name: 'd' } });
    const second = await session.list('secrets', { limit: '2', continue: first.metadata.continue ?? '' });
    expect(namesOf(second)).toEqual(['c']);
    expect(second.metadata.continue ?? '').toBe('');
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('are refused at a version that is not there yet, with its cause (kubernetes/K11)', async () => {
    const { metadata } = await session.list('secrets');
    const future = String(Number(metadata.resourceVersion) + 1_000_000);
    const refused = await refusal(session.list('secrets', { resourceVersion: future }));
    expect(refused).toMatchObject({ status: 504, reason: 'Timeout', causes: ['ResourceVersionTooLarge'] });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
  });

  it('are refused at something that is no version', async () => {
    expect(await refusal(session.list('secrets', { resourceVersion: 'yesterday' }))).toMatchObject({ status: 400 });
  });

  it('hold what labels select', async () => {
    await session.configMap('a', '1', { team: 'blue', tier: 'web' });
    await session.configMap('b', '1', { team: 'red' });
    await session.configMap('c');
    const selected = async (labelSelector: string) => {
      const names = namesOf(await session.list('configmaps', { labelSelector }));
      return names.filter((name) => name !== 'kube-root-ca.crt');
    };
    expect(await selected('team')).toEqual(['a', 'b']);
    expect(await selected('!team')).toEqual(['c']);
    expect(await selected('team=blue,tier==web')).toEqual(['a']);
    expect(await selected('team!=blue')).toEqual(['b', 'c']);
    expect(await selected('team in (blue,red),tier notin (web)')).toEqual(['b']);
    expect(await refusal(session.list('configmaps', { labelSelector: 'team in (' }))).toMatchObject({ status: 400 });
  });

  it('hold what fields select, where the kind lets them (kubernetes/K72)', async () => {
    const opaque = { metadata: { name: 'a' }, type: 'Opaque' };
    const certificate = { 'tls.crt': '', 'tls.key': '' };
    await session.create('secrets', opaque);
    await session.create('secrets', { metadata: { name: 'b' }, type: 'kubernetes.io/tls', data: certificate });
    const selected = async (fieldSelector: string) => namesOf(await session.list('secrets', { fieldSelector }));
    expect(await selected('type=kubernetes.io/tls')).toEqual(['b']);
    expect(await selected('type!=kubernetes.io/tls')).toEqual(['a']);
    expect(await selected('metadata.name=a')).toEqual(['a']);
    expect(await refusal(session.list('secrets', { fieldSelector: 'data.x=1' }))).toMatchObject({ status: 400 });
    expect(
      namesOf(await session.list('pods', { fieldSelector: 'status.phase!=Failed,status.phase!=Succeeded' })),
    ).toEqual([]);
  });

  it('are of a kind that is served, or are not found (kubernetes/K14)', async () => {
    for (const kind of ['example.test/v1/widgets', 'apps/v1/widgets', 'widgets']) {
      expect(await refusal(session.list(kind))).toMatchObject({ status: 404 });
    }
  });

  it('say the kind of the list, and of custom kinds only that of the items', async () => {
    await session.configMap('a');
    const { body } = await server.client.request({ path: session.path('configmaps') });
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    const [item] = (body as { readonly items: readonly object[] }).items;
    expect(item).not.toHaveProperty('kind');
  });

  it('can be of metadata alone (kubernetes/K32)', async () => {
    await session.configMap('a', '1', { team: 'blue' });
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    const { body } = await server.client.request({ path: session.path('configmaps'), accept });
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    const items = (body as { readonly items: readonly { readonly metadata: { readonly name: string } }[] }).items;
    const item = items.find(({ metadata }) => metadata.name === 'a');
    expect(item).toMatchObject({ metadata: { labels: { team: 'blue' } } });
    expect(item).not.toHaveProperty('data');
  });
});
