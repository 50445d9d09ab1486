import { describe, expect, it } from 'vitest';
import { answerInjection } from './injection-webhook.ts';
import { injectPod } from './injection.ts';
import { podSchema } from './pod.ts';

const options = {
  weirImage: 'weir:1',
  envoyImage: 'envoy:1',
  xds: { host: 'weir.weir-system.svc', port: 15_012 },
  tokenAudience: 'istio-ca',
  domain: 'cluster.local',
  clusterId: 'Kubernetes',
  nativeSidecars: true,
  excludedNamespaces: ['weir-system'],
};

const pod = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } };

function ask(object: unknown, request: Readonly<Record<string, unknown>> = {}) {
  const asked = { uid: 'u-1', operation: 'CREATE', namespace: 'shop', object, ...request };
  return answerInjection({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked }, options);
}

interface Response {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly status?: { readonly message: string };
}

function responseTo(object: unknown, request: Readonly<Record<string, unknown>> = {}) {
  const answer = ask(object, request);
  if (answer.kind === 'malformed') throw new Error(answer.reason);
  const { response } = answer.review as { readonly response: Response };
  return { ...response, outcome: answer.outcome };
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value: unknown;
}

function operationsIn({ patch = '' }: Response): readonly Operation[] {
  return JSON.parse(Buffer.from(patch, 'base64').toString('utf8')) as readonly Operation[];
}

/** Operations on fields of metadata and spec, or on one of them as a whole. */
function patched(object: typeof pod | Omit<typeof pod, 'metadata'>, operations: readonly Operation[]): unknown {
  const result = structuredClone(object) as Record<string, Record<string, unknown>>;
  for (const { path, value } of operations) {
    const [, part = '', field] = path.split('/');
    if (field === undefined) result[part] = value as Record<string, unknown>;
    else result[part] = { ...result[part], [field]: value };
  }
  return result;
}

describe('the injection webhook', () => {
  it.each([
    ['with metadata', pod],
    ['without', { spec: pod.spec }],
  ])('patches a pod %s into what injection makes of it', (_what, object) => {
    const response = responseTo(object);
    const expected = injectPod(podSchema.parse(object), 'shop', options);
    expect(response).toMatchObject({ allowed: true, outcome: 'injected' });
    expect(patched(object, operationsIn(response))).toEqual(expected.kind === 'injected' ? expected.pod : undefined);
  });

  it.each([
    ['of the control plane', pod, { namespace: 'weir-system' }],
    ['that is changed', pod, { operation: 'UPDATE' }],
    ['that is bound to a node', pod, { subResource: 'binding' }],
    ['on the network of its node', { spec: { ...pod.spec, hostNetwork: true } }, {}],
  ])('leaves a pod %s as it is', (_what, object, request) => {
    expect(responseTo(object, request)).toEqual({ uid: 'u-1', allowed: true, outcome: 'skipped' });
  });

  it('refuses an annotation that cannot be, and says how it should be', () => {
    const metadata = { annotations: { 'weir.dev/interception': 'tproxy' } };
    expect(responseTo({ ...pod, metadata })).toMatchObject({
      allowed: false,
      outcome: 'refused',
      status: { message: expect.stringContaining('weir.dev/interception must be redirect or none') as string },
    });
  });

  it('reliability/S2: does not walk through nesting without end', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`) as object;
    expect(ask({ ...pod, deep })).toEqual({
      kind: 'malformed',
      reason: 'request.object is nested too deeply for a pod',
    });
    expect(ask({ spec: {} })).toMatchObject({ kind: 'malformed' });
    expect(answerInjection([], options)).toMatchObject({ kind: 'malformed' });
  });
});
