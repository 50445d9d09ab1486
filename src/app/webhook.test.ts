import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../test/support/certificates.ts';
import { aMesh, aService, aVirtualService } from '../../test/support/mesh-rows.ts';
import { configs } from '../model/tables.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { readConfig } from './config.ts';
import { listenWebhook, type Webhook } from './webhook.ts';

const authority = new Authority('webhooks');
const engine = aMesh(aService('reviews', { namespace: 'shop' }), aVirtualService('reviews', {}));
const metrics = createMetrics({ version: '1', uptime: () => 0, processMetrics: false });
let folder: string;
let webhook: Webhook | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-webhook-'));
  const { key, certificate } = authority.issue('weir', '127.0.0.1');
  await writeFile(join(folder, 'key.pem'), key);
  await writeFile(join(folder, 'certificate.pem'), certificate);
  const config = readConfig({
    flags: {
      webhook: '127.0.0.1:0',
      webhookKey: join(folder, 'key.pem'),
      webhookCert: join(folder, 'certificate.pem'),
    },
    environment: {},
  });
  if (config.kind === 'invalid') throw new Error(JSON.stringify(config.problems));
  webhook = await listenWebhook({
    settings: config.settings,
    read: engine.read,
    nativeSidecars: () => true,
    metrics,
    log: silentLog,
  });
});

afterAll(async () => {
  await webhook?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly contentType?: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(
  body: string | Buffer,
  { path = '/validate', method = 'POST', contentType }: Asked = {},
): Promise<Answer> {
  const [host, port] = webhook?.address.split(':') ?? [];
  const headers = { 'content-type': contentType ?? 'application/json' };
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, method, headers, ca: authority.certificate }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

interface Review {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly status?: {
    readonly code: number;
    readonly reason: string;
    readonly message: string;
    readonly details: { readonly name: string; readonly causes: readonly { readonly field: string }[] };
  };
}

function review(object: unknown, changes: Readonly<Record<string, unknown>> = {}): Promise<Review> {
  return reviewText(JSON.stringify(object), changes);
}

async function reviewText(object: string, changes: Readonly<Record<string, unknown>> = {}): Promise<Review> {
  const others = JSON.stringify({ uid: 'u-1', operation: 'CREATE', dryRun: false, ...changes }).slice(1);
  const answer = await send(
    `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"object":${object},${others}}`,
  );
  expect(answer.status).toBe(200);
  const read = JSON.parse(answer.text) as { apiVersion: string; kind: string; response: Review };
  expect([read.apiVersion, read.kind, read.response.uid]).toEqual(['admission.k8s.io/v1', 'AdmissionReview', 'u-1']);
  return read.response;
}

function virtualService(spec: unknown, metadata: Readonly<Record<string, unknown>> = {}) {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'web', namespace: 'shop', generation: 1, ...metadata },
    spec,
  };
}

const to = (...route: readonly unknown[]) => ({ hosts: ['reviews'], http: [{ route }] });
const good = virtualService(to({ destination: { host: 'reviews' } }));
const negative = virtualService(to({ destination: { host: 'reviews' }, weight: -5 }));

afterEach(() => expect([...engine.rows(configs)]).toHaveLength(1));

describe('an object', () => {
  it('that is right is let through', async () => {
    expect(await review(good)).toEqual({ uid: 'u-1', allowed: true });
  });

  it('that can never be right is refused with everything that is wrong with it, by field (kubernetes/K85, policy/P441)', async () => {
    const bad = virtualService({
      hosts: ['reviews'],
      http: [{ timeout: '5', route: [{ destination: { host: 'reviews' }, weight: -5 }], retires: {} }],
    });
    const { allowed, status } = await review(bad);
    expect([allowed, status?.code, status?.reason, status?.details.name]).toEqual([false, 422, 'Invalid', 'web']);
    expect(status?.details.causes.map(({ field }) => field).toSorted()).toEqual([
      'spec.http[0].retires',
      'spec.http[0].route[0].weight',
      'spec.http[0].timeout',
    ]);
    expect(status?.message).toMatch(/spec\.http\[0\]\.route\[0\]\.weight: .+; .+ \(WEIR1\d+\)/);
  });

  it('that names what is not there is let through with warnings (kubernetes/K91, policy/P442, policy/P404)', async () => {
    const { allowed, warnings } = await review(virtualService(to({ destination: { host: 'reviewz', subset: 'v1' } })));
    expect(allowed).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/^spec\.http\[0\]\.route\[0\].*reviewz.*nearest existing host/)]);
  });

  it('is judged alike in every version of its API, and in a dry run (policy/G10)', async () => {
    for (const apiVersion of ['networking.istio.io/v1alpha3', 'networking.istio.io/v1beta1']) {
      expect((await review({ ...negative, apiVersion })).allowed).toBe(false);
    }
    expect((await review(negative, { dryRun: true })).allowed).toBe(false);
    expect((await review(good, { dryRun: true })).allowed).toBe(true);
  });

  it('of a kind that Weir does not read is let through with a warning', async () => {
    expect(await review({ apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'x' } })).toEqual({
      uid: 'u-1',
      allowed: true,
      warnings: ['Weir does not read objects of this kind (Thing)'],
    });
  });

  it('that is wrong already can be deleted, let go by its finalizers, and relabelled', async () => {
    expect((await review(null, { operation: 'DELETE', oldObject: negative })).allowed).toBe(true);
    const leaving = virtualService({ hosts: [] }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect((await review(leaving, { operation: 'UPDATE', oldObject: negative })).allowed).toBe(true);
    const relabelled = virtualService(negative.spec, { labels: { a: 'b' } });
    const answer = await review(relabelled, { operation: 'UPDATE', oldObject: negative });
    expect([answer.allowed, answer.warnings?.length]).toEqual([true, 1]);
    expect((await review(negative, { operation: 'UPDATE', oldObject: good })).allowed).toBe(false);
  });
});

it('says when its certificate ends (kubernetes/K122)', async () => {
  const end = Date.UTC(2049, 0, 1) / 1000;
  expect(await metrics.expose()).toContain(`weir_webhook_certificate_expiry_timestamp_seconds ${end}\n`);
});

describe('hostile input (reliability/S76)', () => {
  const million = 'x'.repeat(1024 * 1024);
  it.each<[string, string, RegExp]>([
    [
      'a text of 1 MiB for a pattern',
      JSON.stringify(virtualService({ hosts: ['reviews'], http: [{ match: [{ uri: { regex: million } }] }] })),
      /1048576 characters/,
    ],
    ['a text of 1 MiB for a host', JSON.stringify(virtualService({ hosts: [million] })), /spec\.hosts\[0\]/],
    [
      'keys that reach into prototypes',
      JSON.stringify(good).replace('"http":', '"__proto__":{"hosts":["a"]},"http":'),
      /__proto__.*reserved/,
    ],
    [
      'nesting without end',
      JSON.stringify(good).replace('"http":', `"x":${'['.repeat(20_000)}${']'.repeat(20_000)},"http":`),
      /nested too deeply/,
    ],
    [
      'a pattern that grows without end',
      JSON.stringify(
        virtualService({ hosts: ['reviews'], http: [{ match: [{ uri: { regex: '((a{99}){99}){99}' } }] }] }),
      ),
      /regular expression/,
    ],
    ['metadata that is none', JSON.stringify({ ...good, metadata: [] }), /metadata/],
    ['a spec that is a text', JSON.stringify({ ...good, spec: 'x' }), /spec/],
  ])('%s is refused', async (_, object, message) => {
    const { allowed, status } = await reviewText(object);
    expect([allowed, status?.message]).toEqual([false, expect.stringMatching(message)]);
  });

  it('nesting without end is refused in a change that leaves it as it was, too', async () => {
    const object = JSON.stringify(good).replace('"http":', `"x":${'['.repeat(9_000)}${']'.repeat(9_000)},"http":`);
    const changed = await reviewText(`${object},"oldObject":${object}`, { operation: 'UPDATE' });
    expect(changed.allowed).toBe(false);
  });

  it('a pattern over which others would backtrack for ever is let through, since proxies do not', async () => {
    const regex = { uri: { regex: '(a+)+$' } };
    const spec = { hosts: ['reviews'], http: [{ match: [regex], route: [{ destination: { host: 'reviews' } }] }] };
    expect((await review(virtualService(spec))).allowed).toBe(true);
  });
});

describe('what is no review', () => {
  it.each<[string, string | Buffer, Asked, number, RegExp]>([
    ['another content type', '{}', { contentType: 'text/plain' }, 415, /application\/json/],
    ['a GET', '', { method: 'GET' }, 405, /POST/],
    ['another path', '{}', { path: '/mutate' }, 404, /\/validate/],
    ['no JSON', '{"a":', {}, 400, /not JSON/],
    ['no AdmissionReview', '{"kind":"Pod","apiVersion":"v1"}', {}, 400, /AdmissionReview/],
    [
      'an old version',
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1beta1', kind: 'AdmissionReview', request: {} }),
      {},
      400,
      /admission\.k8s\.io\/v1/,
    ],
    ['a list', '[]', {}, 400, /object/],
    ['too large a body', Buffer.alloc(8 * 1024 * 1024 + 1, ' '), {}, 413, /no larger than 8388608 bytes/],
  ])('%s is answered with what is wrong', async (_, body, asked, status, message) => {
    const answer = await send(body, asked).catch((error: unknown) => error);
    // Of a body that is refused unread the client may find the connection closed while it still writes.
    if (status === 413 && answer instanceof Error) return expect(answer.message).toMatch(/ECONNRESET|EPIPE/);
    expect(answer).toEqual({ status, text: expect.stringMatching(message) as string });
  });

  it('does not keep the next review from being answered, and is counted', async () => {
    await send('{"a":');
    expect((await review(good)).allowed).toBe(true);
    expect(await metrics.expose()).toMatch(/weir_admission_reviews_total\{outcome="malformed"\} [1-9]/);
  });
});
