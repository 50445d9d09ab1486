import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { envoyForTests } from '../support/envoy.ts';
import { echoOf, serviceDocument, TestMesh, until } from '../support/test-mesh.ts';

/** What requests through real Envoys do when the YAML says so. The mesh is shared; every case writes its own routes. */

const envoy = await envoyForTests();

/** A VirtualService for the host `echo` with the given rules, in YAML's flow style. */
function routes(...http: readonly string[]): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http:
${http.map((rule) => `  - ${rule}`).join('\n')}
`;
}

const subsets = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo, namespace: test}
spec:
  host: echo
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
`;

const to = (subset: string): string => `route: [{destination: {host: echo, subset: ${subset}}}]`;
const plain = routes(`{${to('v1')}}`);

describe.skipIf(envoy === undefined)('requests through real Envoys', () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await TestMesh.start(
      envoy ?? '',
      [
        { name: 'client-1', app: 'client', version: 'v1', address: '127.0.2.1' },
        { name: 'echo-v1-1', app: 'echo', version: 'v1', address: '127.0.2.11' },
        { name: 'echo-v2-1', app: 'echo', version: 'v2', address: '127.0.2.12' },
        { name: 'other-1', app: 'other', version: 'v1', address: '127.0.2.21' },
      ],
      {
        'services.yaml': ['client', 'echo', 'other'].map(serviceDocument).join('---\n'),
        'subsets.yaml': subsets,
        'routes.yaml': plain,
      },
    );
  });
  afterAll(async () => {
    await mesh?.stop();
  });
  afterEach(() => {
    for (const { service } of mesh.pods.values()) delete service.behaviour.status;
    for (const { service } of mesh.pods.values()) delete service.behaviour.delay;
  });

  const ask = async (path = '/', headers: Readonly<Record<string, string>> = {}) =>
    mesh.ask('client-1', `http://echo${path}`, { headers });
  const versionOf = async (path = '/', headers: Readonly<Record<string, string>> = {}) =>
    echoOf(await ask(path, headers)).version;

  it('reach services without any policy, by short and by full name, through both sidecars', async () => {
    for (const host of ['other', 'other.test', 'other.test.svc', 'other.test.svc.cluster.local', 'other:80']) {
      const echo = echoOf(await mesh.ask('client-1', `http://${host}/where`));
      expect(echo).toMatchObject({ instance: 'other-1', path: '/where', headers: { host } });
    }
    const { sidecar, service } = mesh.pod('other-1');
    expect(await sidecar.stat(`cluster.inbound|${service.port}||.upstream_rq_total`)).toBeGreaterThanOrEqual(5);
  });

  it('are shared out by weight', async () => {
    const split = (v1: number, v2: number): string =>
      `route: [{destination: {host: echo, subset: v1}, weight: ${v1}}, {destination: {host: echo, subset: v2}, weight: ${v2}}]`;
    await mesh.apply('routes.yaml', routes(`{${split(80, 20)}}`));
    const versions = await Promise.all(Array.from({ length: 400 }, () => versionOf()));
    const share = versions.filter((version) => version === 'v2').length / versions.length;
    // Six standard deviations around a fifth: fails once in a hundred million runs.
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.32);
    await mesh.apply('routes.yaml', routes(`{${split(0, 100)}}`));
    expect(new Set(await Promise.all(Array.from({ length: 40 }, () => versionOf())))).toEqual(new Set(['v2']));
  });

  it('are routed by header, path, method and query, the first matching rule winning', async () => {
    await mesh.apply(
      'routes.yaml',
      routes(
        `{match: [{headers: {x-group: {exact: beta}}}, {headers: {x-group: {regex: "gr[ae]y.*"}}}], ${to('v2')}}`,
        `{match: [{uri: {exact: /exactly}}, {uri: {prefix: /pre}}, {uri: {regex: "/r[0-9]+"}}], ${to('v2')}}`,
        `{match: [{method: {exact: DELETE}}, {queryParams: {q: {exact: "2"}}}], ${to('v2')}}`,
        `{${to('v1')}}`,
      ),
    );
    const seen = {
      group: await versionOf('/', { 'x-group': 'beta' }),
      grey: await versionOf('/', { 'x-group': 'grey-7' }),
      'no group': await versionOf(),
      exact: await versionOf('/exactly'),
      'longer than exact': await versionOf('/exactly/not'),
      prefix: await versionOf('/prefix/and/more'),
      regex: await versionOf('/r42'),
      'regex matches the whole path': await versionOf('/r42/x'),
      query: await versionOf('/?q=2'),
      'other query': await versionOf('/?q=3'),
      delete: echoOf(await mesh.ask('client-1', 'http://echo/', { method: 'DELETE' })).version,
    };
    expect(seen).toEqual({
      group: 'v2',
      grey: 'v2',
      'no group': 'v1',
      exact: 'v2',
      'longer than exact': 'v1',
      prefix: 'v2',
      regex: 'v2',
      'regex matches the whole path': 'v1',
      query: 'v2',
      'other query': 'v1',
      delete: 'v2',
    });
  });

  it('are cut off by a timeout', async () => {
    await mesh.apply('routes.yaml', routes(`{timeout: 0.2s, ${to('v1')}}`));
    mesh.pod('echo-v1-1').service.behaviour.delay = 5_000;
    expect(await ask()).toMatchObject({ status: 504, body: 'upstream request timeout' });
  });

  it('are retried on another endpoint', async () => {
    await mesh.apply(
      'routes.yaml',
      routes('{retries: {attempts: 3, retryOn: 5xx}, route: [{destination: {host: echo}}]}'),
    );
    const sick = mesh.pod('echo-v1-1').service;
    sick.behaviour.status = 503;
    const before = sick.requests.length;
    const versions = await Promise.all(Array.from({ length: 40 }, () => versionOf()));
    expect(new Set(versions)).toEqual(new Set(['v2']));
    expect(sick.requests.length).toBeGreaterThan(before);
  });

  it('are not retried when the rule says so', async () => {
    await mesh.apply('routes.yaml', routes(`{retries: {attempts: 0}, ${to('v1')}}`));
    const sick = mesh.pod('echo-v1-1').service;
    sick.behaviour.status = 503;
    const before = sick.requests.length;
    expect(await ask()).toMatchObject({ status: 503 });
    expect(sick.requests.length).toBe(before + 1);
  });

  it('are rewritten and redirected', async () => {
    await mesh.apply(
      'routes.yaml',
      routes(
        `{match: [{uri: {prefix: /old/}}], rewrite: {uri: /new/, authority: shop.example}, ${to('v1')}}`,
        '{match: [{uri: {prefix: /moved}}], redirect: {uri: /there, authority: elsewhere.example, redirectCode: 308}}',
        '{match: [{uri: {exact: /teapot}}], directResponse: {status: 418, body: {string: short and stout}}}',
        `{${to('v1')}}`,
      ),
    );
    expect(echoOf(await ask('/old/x?y=1'))).toMatchObject({ path: '/new/x?y=1', headers: { host: 'shop.example' } });
    expect(await ask('/moved')).toMatchObject({
      status: 308,
      headers: { location: 'http://elsewhere.example/there' },
    });
    expect(await ask('/teapot')).toMatchObject({ status: 418, body: 'short and stout' });
  });

  it('have their headers changed on the way there and back', async () => {
    const headers =
      'headers: {request: {set: {x-set: new}, add: {x-added: more}, remove: [x-gone]}, response: {set: {x-answer: yes-sir}}}';
    await mesh.apply('routes.yaml', routes(`{${headers}, ${to('v1')}}`));
    const answer = await ask('/', { 'x-set': 'old', 'x-gone': 'here' });
    expect(echoOf(answer).headers).toMatchObject({ 'x-set': 'new', 'x-added': 'more' });
    expect(echoOf(answer).headers).not.toHaveProperty('x-gone');
    expect(answer.headers).toMatchObject({ 'x-answer': 'yes-sir' });
  });

  it('fail when a fault is injected', async () => {
    await mesh.apply(
      'routes.yaml',
      routes(`{fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, ${to('v1')}}`),
    );
    expect(await ask()).toMatchObject({ status: 418, body: 'fault filter abort' });
    await mesh.apply(
      'routes.yaml',
      routes(`{fault: {delay: {fixedDelay: 0.01s, percentage: {value: 100}}}, ${to('v1')}}`),
    );
    await versionOf();
    const { sidecar } = mesh.pod('client-1');
    const stats = await sidecar.text('/stats?filter=fault.delays_injected');
    expect(stats).toMatch(/delays_injected: [1-9]/);
  });

  it('are mirrored, and answered by the real destination alone', async () => {
    await mesh.apply('routes.yaml', routes(`{mirror: {host: other}, mirrorPercentage: {value: 100}, ${to('v1')}}`));
    expect(await versionOf('/mirrored')).toBe('v1');
    const { requests } = mesh.pod('other-1').service;
    await until('the mirrored request', async () => requests.some(({ path }) => path === '/mirrored'));
    expect(requests.find(({ path }) => path === '/mirrored')?.headers['host']).toBe('echo-shadow');
  });

  it('follow an endpoint that becomes unready, and one that comes back', async () => {
    const file = 'echo-v1-1.yaml';
    const text = await mesh.read(file);
    await mesh.apply('routes.yaml', routes('{route: [{destination: {host: echo}}]}'));
    await mesh.apply(file, text.replace('ready: true', 'ready: false'));
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => versionOf())))).toEqual(new Set(['v2']));
    await mesh.apply(file, text);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => versionOf())))).toEqual(new Set(['v1', 'v2']));
  });
});
