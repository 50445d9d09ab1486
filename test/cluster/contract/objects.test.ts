import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusal, Session, summary } from './session.ts';
import { subjects, type ContractServer } from './subjects.ts';

const leases = 'coordination.k8s.io/v1/leases';

describe.each(subjects)('objects of $name', (subject) => {
  let server: ContractServer;
  let session: Session;

  beforeAll(async () => {
    server = await subject.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    session = await Session.begin(server.client);
  });

  it('are made once, and found while they are there', async () => {
    const made = await session.configMap('a', 'first');
    expect(made.metadata).toMatchObject({ name: 'a', namespace: session.namespace });
    expect(await refusal(session.configMap('a', 'second'))).toMatchObject({ status: 409, reason: 'AlreadyExists' });
    expect(await session.get('configmaps', 'a')).toEqual(made);
    await session.delete('configmaps', 'a');
    expect(await refusal(session.get('configmaps', 'a'))).toMatchObject({ status: 404, reason: 'NotFound' });
    expect(await refusal(session.delete('configmaps', 'a'))).toMatchObject({ status: 404, reason: 'NotFound' });
    const again = await session.configMap('a', 'third');
    expect(again.metadata.uid).not.toBe(made.metadata.uid);
  });

  it('are not written over by one of two who read the same (kubernetes/K104, kubernetes/K152)', async () => {
    const lease = await session.create(leases, { metadata: { name: 'leader' }, spec: {} });
    const claim = (holderIdentity: string) => session.replace(leases, { ...lease, spec: { holderIdentity } });
    const answers = await Promise.allSettled([claim('one'), claim('two')]);
    const lost = answers
      .filter(({ status }) => status === 'rejected')
      .map((answer) => 'reason' in answer && answer.reason);
    expect(lost).toMatchObject([{ status: 409, reason: 'Conflict' }]);
  });

  it('have times with six digits after the point, and no other number of them (kubernetes/K104, kubernetes/K141)', async () => {
    const lease = (renewTime: string) => ({ metadata: { name: 'leader' }, spec: { renewTime } });
    const refused = await refusal(session.create(leases, lease('2026-01-02T03:04:05.678Z')));
    expect(refused).toMatchObject({ status: 400, reason: 'BadRequest' });
    const made = await session.create(leases, lease('2026-01-02T03:04:05.678901Z'));
    expect(made['spec']).toMatchObject({ renewTime: '2026-01-02T03:04:05.678901Z' });
  });

  it('stay as they are, version and all, when a write changes nothing', async () => {
    const made = await session.configMap('a', '1');
    const same = await session.merge('configmaps', 'a', { data: { value: '1' } });
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    expect((await session.replace('configmaps', made)).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  it('are not written by a dry run', async () => {
    const shown = await session.create('configmaps', { metadata: { name: 'a' } }, { dryRun: 'All' });
    expect(shown.metadata).toMatchObject({ name: 'a' });
    expect(await refusal(session.get('configmaps', 'a'))).toMatchObject({ status: 404 });
  });

  it('lose by a merge patch what it says is null', async () => {
    await session.create('configmaps', { metadata: { name: 'a' }, data: { x: '1', y: '2' } });
    expect((await session.merge('configmaps', 'a', { data: { x: null, z: '3' } }))['data']).toEqual({ y: '2', z: '3' });
  });

  it('count the changes of what is wanted, and none of labels or status', async () => {
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    const spec = { replicas: 0, selector: { matchLabels: labels }, template };
    const deployments = 'apps/v1/deployments';
    const made = await session.create(deployments, { metadata: { name: 'web' }, spec });
    expect(made.metadata.generation).toBe(1);
    expect((await session.merge(deployments, 'web', { metadata: { labels } })).metadata.generation).toBe(1);
    const condition = { type: 'Available', status: 'True', reason: 'Test', message: 'tested' };
    const patch = { status: { conditions: [condition] }, spec: { replicas: 7 } };
    const reported = await session.merge(deployments, 'web/status', patch);
    expect(reported).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 0 } });
    const changed = await session.merge(deployments, 'web', { spec: { paused: true }, status: { replicas: 9 } });
    expect(changed).toMatchObject({ metadata: { generation: 2 } });
    expect(changed['status']).not.toMatchObject({ replicas: 9 });
  });

  it('with a finalizer are gone only when it is (kubernetes/K136)', async () => {
    const finalizers = ['test.weir.dev/wait'];
    const made = await session.create('configmaps', { metadata: { name: 'a', finalizers } });
    const watching = await session.watch('configmaps', { resourceVersion: made.metadata.resourceVersion });
    await session.delete('configmaps', 'a');
    const dying = await session.get('configmaps', 'a');
    expect(dying.metadata.deletionTimestamp).toBeDefined();
    await session.merge('configmaps', 'a', { metadata: { finalizers: null } });
    expect(await refusal(session.get('configmaps', 'a'))).toMatchObject({ status: 404 });
    // The controller of root certificates writes into the same namespace.
    const own: string[] = [];
    while (own.length < 2) {
      const event = await watching.next();
      if (event?.object.metadata.name === 'a') own.push(summary(event));
    }
    watching.close();
    expect(own).toEqual(['MODIFIED a', 'DELETED a']);
  });

  it('are deleted only if they are the ones that are meant (kubernetes/K61)', async () => {
    const made = await session.configMap('a');
    const other = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } };
    expect(await refusal(session.delete('configmaps', 'a', other))).toMatchObject({ status: 409, reason: 'Conflict' });
    await session.delete('configmaps', 'a', { preconditions: { uid: made.metadata.uid } });
    expect(await refusal(session.get('configmaps', 'a'))).toMatchObject({ status: 404 });
  });

  it('belong, field by field, to who applied them (kubernetes/K105)', async () => {
    const body = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data });
    await session.apply('configmaps', 'a', body({ x: '1', y: '1' }), { fieldManager: 'one' });
    await session.apply('configmaps', 'a', body({ z: '2' }), { fieldManager: 'two' });
    const taken = session.apply('configmaps', 'a', body({ x: '2' }), { fieldManager: 'two' });
    const refused = await refusal(taken);
    expect(refused).toMatchObject({ status: 409, reason: 'Conflict', causes: ['FieldManagerConflict'] });
    await session.apply('configmaps', 'a', body({ x: '2' }), { fieldManager: 'two', force: 'true' });
    // Who no longer mentions a field of his own takes it away.
    const left = await session.apply('configmaps', 'a', body({}), { fieldManager: 'one' });
    expect(left['data']).toEqual({ x: '2' });
    expect(left.metadata.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`)).toContain(
      'two Apply',
    );
  });

  it('are not applied by nobody, or as what they are not', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    expect(await refusal(session.apply('configmaps', 'a', body, {}))).toMatchObject({ status: 422 });
    const other = { ...body, kind: 'Secret' };
    expect(await refusal(session.apply('configmaps', 'a', other, { fieldManager: 'one' }))).toMatchObject({
      status: 400,
    });
  });

  it('are refused with the fields that are wrong', async () => {
    const service = { metadata: { name: 'web' }, spec: { ports: [{ port: 99_999 }] } };
    const refused = await refusal(session.create('services', service));
    expect(refused).toMatchObject({ status: 422, reason: 'Invalid' });
    expect(refused.message).toContain('spec.ports[0].port');
  });

  it('may be Services whose names begin with a digit (kubernetes/K33)', async () => {
    const made = await session.create('services', { metadata: { name: '1web' }, spec: { ports: [{ port: 80 }] } });
    expect(made['spec']).toMatchObject({ clusterIP: expect.stringMatching(/^\d+\./), type: 'ClusterIP' });
  });

  it('go with their namespace, which takes no more meanwhile (kubernetes/K136, kubernetes/K152)', async () => {
    const finalizers = ['test.weir.dev/wait'];
    await session.create('configmaps', { metadata: { name: 'a', finalizers } });
    const path = `/api/v1/namespaces/${session.namespace}`;
    await session.ask({ method: 'DELETE', path });
    const { metadata, status } = (await session.ask({ path })) as Awaited<ReturnType<Session['ask']>> & {
      readonly status: object;
    };
    expect(metadata.deletionTimestamp).toBeDefined();
    expect(status).toMatchObject({ phase: 'Terminating' });
    const refused = await refusal(session.configMap('b'));
    expect(refused).toMatchObject({ status: 403, reason: 'Forbidden', causes: ['NamespaceTerminating'] });
    const query = { watch: 'true', fieldSelector: `metadata.name=${session.namespace}` };
    const end = new AbortController();
    const lines = await server.client.lines({ path: '/api/v1/namespaces', query }, end.signal);
    await session.merge('configmaps', 'a', { metadata: { finalizers: null } });
    for await (const line of lines) {
      if ((JSON.parse(line.toString()) as { readonly type: string }).type === 'DELETED') break;
    }
    end.abort();
    expect(await refusal(session.ask({ path }))).toMatchObject({ status: 404 });
  });
});
