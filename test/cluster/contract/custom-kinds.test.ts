import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusal, Session, summary } from './session.ts';
import { subjects, type ContractServer } from './subjects.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

describe.each(subjects)('custom kinds of $name', (subject) => {
  let server: ContractServer;
  let session: Session;
  let number = 0;

  beforeAll(async () => {
    server = await subject.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    session = await Session.begin(server.client);
  });

  /** Defines a kind of its own for each test, and waits until it is served. */
  async function define(
    spec: object,
    status: boolean = false,
  ): Promise<{ readonly kind: string; readonly plural: string }> {
    const [kind, plural, group] = [`Widget${++number}`, `widget${number}s`, 'test.weir.dev'];
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status: anything } } };
    const version = { name: 'v1', served: true, storage: true, schema, subresources: status ? { status: {} } : {} };
    const body = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: { group, scope: 'Namespaced', names: { plural, kind, singular: kind.toLowerCase() }, versions: [version] },
    };
    await session.ask({ method: 'POST', path: definitions, body });
    const query = { watch: 'true', fieldSelector: `metadata.name=${body.metadata.name}` };
    const end = new AbortController();
    for await (const line of await server.client.lines({ path: definitions, query }, end.signal)) {
      if (isEstablished(JSON.parse(line.toString()))) break;
    }
    end.abort();
    return { kind, plural: `${group}/v1/${plural}` };
  }

  function widget(kind: string, name: string, spec: unknown): object {
    return { apiVersion: 'test.weir.dev/v1', kind, metadata: { name }, spec };
  }

  const weights = {
    type: 'object',
    required: ['weight'],
    properties: {
      weight: { type: 'integer', minimum: 0, maximum: 100 },
      mode: { type: 'string', enum: ['ON', 'OFF'] },
      list: { type: 'array', maxItems: 2, items: { type: 'string', pattern: '^[a-z]+$' } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  };

  it('are served once their definition is established, and no more when it is gone (kubernetes/K54)', async () => {
    const { kind, plural } = await define(weights);
    await session.create(plural, widget(kind, 'a', { weight: 1 }));
    const watching = await session.watch(plural);
    expect(await watching.take(1)).toEqual(['ADDED a']);
    const name = `${plural.split('/').at(-1)}.test.weir.dev`;
    await session.ask({ method: 'DELETE', path: `${definitions}/${name}` });
    expect(summary(await watching.next())).toBe('DELETED a');
    expect(['end', 'broken']).toContain(await watching.next().then(summary, () => 'broken'));
    expect(await refusal(session.list(plural))).toMatchObject({ status: 404 });
  });

  it('are checked against their schema, every field that is wrong named (kubernetes/K82)', async () => {
    const { kind, plural } = await define(weights);
    const wrong = { weight: 101, mode: 'MAYBE', list: ['a', 'B', 'c'] };
    const refused = await refusal(session.create(plural, widget(kind, 'a', wrong)));
    expect(refused).toMatchObject({ status: 422, reason: 'Invalid' });
    for (const field of ['spec.weight', 'spec.mode', 'spec.list']) expect(refused.message).toContain(field);
    const missing = await refusal(session.create(plural, widget(kind, 'a', {})));
    expect(missing.message).toContain('spec.weight');
    const typed = await refusal(session.create(plural, widget(kind, 'a', { weight: 'much' })));
    expect(typed).toMatchObject({ status: 422, reason: 'Invalid' });
  });

  it('lose what their schema does not know, where it does not say to keep it', async () => {
    const { kind, plural } = await define(weights);
    const spec = { weight: 1, unknown: true, free: { anything: { goes: [1] } } };
    const made = await session.create(plural, widget(kind, 'a', spec));
    expect(made['spec']).toEqual({ weight: 1, free: { anything: { goes: [1] } } });
  });

  it('have their status written apart, and only what is wanted counted (kubernetes/K87, kubernetes/K136)', async () => {
    const { kind, plural } = await define(weights, true);
    const made = await session.create(plural, { ...widget(kind, 'a', { weight: 1 }), status: { seen: true } });
    expect(made.metadata.generation).toBe(1);
    expect(made['status']).toBeUndefined();
    const reported = await session.merge(plural, 'a/status', { status: { seen: true }, spec: { weight: 2 } });
    expect(reported).toMatchObject({ metadata: { generation: 1 }, spec: { weight: 1 }, status: { seen: true } });
    const changed = await session.merge(plural, 'a', { status: { seen: false }, spec: { weight: 2 } });
    expect(changed).toMatchObject({ metadata: { generation: 2 }, spec: { weight: 2 }, status: { seen: true } });
    const labelled = await session.merge(plural, 'a', { metadata: { labels: { x: 'y' } } });
    expect(labelled.metadata.generation).toBe(2);
  });

  it('have a status that can be applied (kubernetes/K105)', async () => {
    const { kind, plural } = await define(weights, true);
    await session.create(plural, widget(kind, 'a', { weight: 1 }));
    const status = { apiVersion: 'test.weir.dev/v1', kind, metadata: { name: 'a' }, status: { seen: true } };
    const applied = await session.apply(plural, 'a/status', status, { fieldManager: 'status-writer', force: 'true' });
    expect(applied).toMatchObject({ metadata: { generation: 1 }, spec: { weight: 1 }, status: { seen: true } });
    const mine = { manager: 'status-writer', operation: 'Apply', subresource: 'status' };
    expect(applied.metadata.managedFields).toContainEqual(expect.objectContaining(mine));
    const again = await session.apply(plural, 'a/status', status, { fieldManager: 'status-writer', force: 'true' });
    expect(again.metadata.resourceVersion).toBe(applied.metadata.resourceVersion);
  });

  it('can be held to an expression, with a plain message (kubernetes/K158)', async ({ skip }) => {
    const { expressions } = subject.cannot;
    if (expressions !== undefined) skip(expressions);
    const rule = { rule: 'self.weight % 2 == 0', message: 'weight must be even' };
    const { kind, plural } = await define({ ...weights, 'x-kubernetes-validations': [rule] });
    const refused = await refusal(session.create(plural, widget(kind, 'a', { weight: 3 })));
    expect(refused).toMatchObject({ status: 422, reason: 'Invalid' });
    expect(refused.message).toContain('weight must be even');
    await session.create(plural, widget(kind, 'a', { weight: 4 }));
  });

  it('may not be held to an expression that could cost too much (kubernetes/K158)', async ({ skip }) => {
    const { expressions } = subject.cannot;
    if (expressions !== undefined) skip(expressions);
    const properties = { weights: { type: 'array', maxItems: 1_000, items: { type: 'integer' } } };
    const rule = {
      rule: 'self.weights.sum() == 100',
      messageExpression: Array.from({ length: 60 }, () => 'string(self.weights.sum())').join(' + '),
    };
    const refused = await refusal(define({ type: 'object', properties, 'x-kubernetes-validations': [rule] }));
    expect(refused).toMatchObject({ status: 422, reason: 'Invalid' });
    expect(refused.message).toContain('cost');
  });
});

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function isEstablished(event: unknown): boolean {
  const { object } = event as {
    readonly object: {
      readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    };
  };
  return object.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true;
}
