import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoyForTests } from '../support/envoy.ts';
import { echoOf, serviceDocument, TestMesh, until } from '../support/test-mesh.ts';

/** What a person gets wrong by hand: it is named with file, line and field, and the mesh goes on. */

const envoy = await envoyForTests();

const goodRoutes = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http:
  - headers: {request: {set: {x-generation: good}}}
    route: [{destination: {host: echo}}]
`;

/** A file with one thing wrong in it, and the place that must be named. */
const cases = [
  {
    what: 'broken YAML',
    text: `apiVersion: v1\nkind: Service\nmetadata:\n  name: broken\n namespace: test\n`,
    line: 5,
    path: '',
  },
  {
    what: 'an unknown kind',
    text: `apiVersion: networking.istio.io/v1\nkind: VirtualServize\nmetadata: {name: echo, namespace: test}\n`,
    line: 2,
    path: 'kind',
  },
  {
    what: 'a negative weight',
    text: goodRoutes.replace('{destination: {host: echo}}', '{destination: {host: echo}, weight: -1}'),
    line: 8,
    path: 'spec.http[0].route[0].weight',
  },
  {
    what: 'a regular expression that Envoy refuses',
    text: goodRoutes.replace('  - headers:', '  - match: [{uri: {regex: "/a(?=b)"}}]\n    headers:'),
    line: 7,
    path: 'spec.http[0].match[0].uri.regex',
  },
] as const;

describe.skipIf(envoy === undefined)('wrong input', () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await TestMesh.start(
      envoy ?? '',
      [
        { name: 'client-1', app: 'client', version: 'v1', address: '127.0.4.1' },
        { name: 'echo-v1-1', app: 'echo', version: 'v1', address: '127.0.4.11' },
      ],
      { 'services.yaml': ['client', 'echo'].map(serviceDocument).join('---\n'), 'routes.yaml': goodRoutes },
    );
  });
  afterAll(async () => {
    await mesh?.stop();
  });

  const generation = async () => echoOf(await mesh.ask('client-1', 'http://echo/')).headers['x-generation'];

  it.each(cases)(
    '$what is named with file, line and field, and the last good rules stay',
    async ({ text, line, path }) => {
      await mesh.write('routes.yaml', text);
      await until('the problem', async () => (await mesh.status()).problems.length > 0);
      const { problems, proxies } = await mesh.status();
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatchObject({ line, path, document: 1 });
      expect(problems[0]?.file).toContain('routes.yaml');
      expect(problems[0]?.message).not.toBe('');
      expect(problems[0]?.advice).not.toBe('');
      expect(await generation()).toBe('good');
      expect(proxies.flatMap(({ types }) => types.filter(({ nack }) => nack !== undefined))).toEqual([]);
      await mesh.write('routes.yaml', goodRoutes);
      await until('the problem to go', async () => (await mesh.status()).problems.length === 0);
      expect(await generation()).toBe('good');
    },
  );

  it('a route to a missing host is named with its field, and fails alone', async () => {
    const missing = goodRoutes.replace(
      '  - headers:',
      '  - match: [{uri: {prefix: /nowhere}}]\n    route: [{destination: {host: nobody}}]\n  - headers:',
    );
    await mesh.apply('routes.yaml', missing);
    const { findings, proxies } = await mesh.status();
    expect(findings.map(({ object: { kind, name, line, path } }) => ({ kind, name, line, path }))).toEqual([
      {
        kind: 'networking.istio.io/VirtualService',
        name: 'echo',
        line: 8,
        path: 'spec.http[0].route[0].destination',
      },
    ]);
    expect(findings[0]?.object.file).toContain('routes.yaml');
    expect(await mesh.ask('client-1', 'http://echo/nowhere')).toMatchObject({ status: 503 });
    expect(await generation()).toBe('good');
    expect(proxies.every(({ state }) => state === 'synced')).toBe(true);
  });
});
