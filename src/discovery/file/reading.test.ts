import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FollowedFiles, documents, routeDocument, serviceDocument } from '../../../test/support/followed-files.ts';
import { configs, endpointShards, services } from '../../model/tables.ts';
import { referenceToConfig } from '../../model/config-object.ts';
import { DirectoryError } from './directory-error.ts';

const open: FollowedFiles[] = [];

afterEach(async () => {
  for (const files of open.splice(0)) await files.close();
});

/** Reads files once. */
function read(files: Readonly<Record<string, string>>): FollowedFiles {
  const followed = new FollowedFiles();
  open.push(followed);
  for (const [name, text] of Object.entries(files)) followed.write(name, text);
  followed.source.readOnce();
  return followed;
}

describe('reading files once', () => {
  it('makes rows of every kind', () => {
    const followed = read({
      'kubernetes.yaml': documents(
        serviceDocument('reviews'),
        'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: slice, labels: {kubernetes.io/service-name: reviews}}\naddressType: IPv4\n',
        'apiVersion: v1\nkind: Endpoints\nmetadata: {name: ratings}\nsubsets: [{addresses: [{ip: 10.0.0.1}]}]\n',
        'apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\n',
        'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n',
        'apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n',
      ),
      'istio.yaml': ['VirtualService', 'DestinationRule', 'ServiceEntry', 'WorkloadEntry']
        .map((kind) => `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: ${kind.toLowerCase()}}\n`)
        .join('---\n'),
      'mesh.yml':
        'apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nmetadata: {name: mesh}\nspec: {accessLogFile: /dev/stdout}\n',
    });
    expect(followed.names).toEqual(
      [
        'service reviews',
        'shard slice',
        'shard ratings',
        'workload pod',
        'namespace shop',
        'node node-1',
        'VirtualService virtualservice',
        'DestinationRule destinationrule',
        'ServiceEntry serviceentry',
        'WorkloadEntry workloadentry',
        'MeshConfig mesh',
      ].toSorted(),
    );
    expect(followed.problems).toEqual([]);
    expect(followed.sourceRow).toMatchObject({ name: 'files', kind: 'files', freshness: 'synced', objects: 11 });
    expect(followed.sourceRow?.target).toBe(followed.directory);
  });

  it.each(['v1', 'v1beta1', 'v1alpha3'])('policy/G10: reads %s of networking.istio.io as one', (version) => {
    const text = routeDocument('reviews', 1).replace('istio.io/v1', `istio.io/${version}`);
    expect(read({ 'a.yaml': text }).config('reviews')).toMatchObject({
      kind: 'networking.istio.io/VirtualService',
      spec: { hosts: ['reviews'], weight: 1 },
    });
  });

  it('takes a MeshConfig without metadata: a mesh has one', () => {
    const followed = read({
      'mesh.yaml': 'apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nspec: {accessLogFile: /dev/stdout}\n',
    });
    expect(followed.names).toEqual(['MeshConfig mesh']);
    expect(followed.problems).toEqual([]);
  });

  it('takes an object as it stands, with where it stands', () => {
    const followed = read({
      'sub/a.yaml': `# first
---
# second
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
  labels: {team: a}
  annotations: {note: x}
  creationTimestamp: 2026-01-31T12:00:00Z
  generation: 4
spec: {hosts: [reviews], unknown: [1, {a: null}]}
`,
    });
    expect([...followed.engine.rows(configs)]).toEqual([
      {
        kind: 'networking.istio.io/VirtualService',
        namespace: 'shop',
        name: 'reviews',
        labels: { team: 'a' },
        annotations: { note: 'x' },
        generation: 4,
        createdAt: Date.UTC(2026, 0, 31, 12),
        spec: { hosts: ['reviews'], unknown: [1, { a: null }] },
        origin: { source: 'files', file: followed.path('sub/a.yaml'), document: 1, line: 4 },
        domain: 'cluster.local',
      },
    ]);
  });

  it('unfolds lists, whole and typed, in YAML and JSON', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [service('a'), { kind: 'List', apiVersion: 'v1', items: [service('b')] }],
    };
    const typed = { apiVersion: 'v1', kind: 'ServiceList', items: [{ metadata: { name: 'c' } }] };
    const followed = read({ 'list.json': JSON.stringify(list, null, 2), 'typed.yaml': JSON.stringify(typed) });
    expect(followed.names).toEqual(['service a', 'service b', 'service c']);
    expect(followed.problems).toEqual([]);
  });

  it.each([
    ['v1', 'ConfigMap'],
    ['v1', 'Secret'],
    ['v1', 'ServiceAccount'],
    ['apps/v1', 'Deployment'],
    ['batch/v1', 'Job'],
    ['networking.k8s.io/v1', 'Ingress'],
    ['kustomize.config.k8s.io/v1beta1', 'Kustomization'],
  ])('has nothing to say about %s %s', (apiVersion, kind) => {
    const followed = read({ 'a.yaml': `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n` });
    expect(followed.problems).toEqual([]);
    expect(followed.names).toEqual([]);
  });

  it('reads only files with the right name, and nothing hidden', () => {
    const text = (name: string): string => serviceDocument(name);
    const followed = read({
      'a.yaml': text('a'),
      'b.YML': text('b'),
      'deep/er/c.json': JSON.stringify(service('c')),
      'notes.txt': text('no'),
      'a.yaml~': text('no'),
      '.hidden.yaml': text('no'),
      '.git/d.yaml': text('no'),
    });
    expect(followed.names).toEqual(['service a', 'service b', 'service c']);
  });

  it('reads files with a byte order mark, carriage returns, comments, anchors and directives', () => {
    const text = `\uFEFF%YAML 1.2
---
# comment
---
apiVersion: v1
kind: Service
metadata: &meta
  name: reviews
  labels: &labels {on: "yes"}
spec:
  selector:
    <<: *labels
    more: x
`.replaceAll('\n', '\r\n');
    const followed = read({ 'a.yaml': text });
    expect(followed.problems).toEqual([]);
    expect([...followed.engine.rows(services)]).toMatchObject([
      { name: 'reviews', labels: { on: 'yes' }, selector: { on: 'yes', more: 'x' } },
    ]);
  });

  it('finds the mesh settings in a ConfigMap of Istio', () => {
    const map = (name: string, key: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: istio-system}\ndata:\n  ${key}: |-\n    accessLogFile: /dev/stdout\n`;
    const followed = read({ 'a.yaml': documents(map('istio', 'mesh'), map('other', 'mesh'), map('istio-2', 'mesh')) });
    expect([...followed.engine.rows(configs)]).toMatchObject([
      {
        kind: 'mesh.istio.io/MeshConfig',
        namespace: 'istio-system',
        name: 'istio',
        spec: { accessLogFile: '/dev/stdout' },
      },
    ]);
    expect(followed.problems).toEqual([]);
    expect(read({ 'a.yaml': map('istio', 'meshNetworks') }).names).toEqual([]);
  });

  it('reads a directory once even when links lead to it again', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-files-'));
    const followed = new FollowedFiles({ directories: [directory, `${directory}/sub/`, directory] }, directory);
    open.push(followed);
    followed.write('sub/a.yaml', serviceDocument('a'));
    followed.source.readOnce();
    expect(followed.names).toEqual(['service a']);
    expect(followed.problems).toEqual([]);
  });

  it('is a mesh without services when the directory is empty', () => {
    const followed = read({});
    expect(followed.names).toEqual([]);
    expect(followed.sourceRow).toMatchObject({ freshness: 'synced', objects: 0 });
  });

  it('names a directory that is missing, or is none, and says what to do', () => {
    const followed = read({ 'a.yaml': '' });
    for (const [path, advice] of [
      [followed.path('nowhere'), /create it/],
      [followed.path('a.yaml'), /name the directory/],
    ] as const) {
      const { source } = new FollowedFiles({ directories: [path] }, followed.directory);
      const attempt = (): void => source.readOnce();
      expect(attempt).toThrow(DirectoryError);
      try {
        attempt();
      } catch (error) {
        expect(error).toMatchObject({ code: 'WEIR2001', directory: path });
        expect(error instanceof DirectoryError ? error.advice : '').toMatch(advice);
      }
    }
  });
});

describe('what is wrong', () => {
  it.each<[string, string, readonly string[]]>([
    ['broken YAML', 'kind: Service\nmetadata: [1, 2\nspec: x\n', ['a.yaml:3 WEIR2006']],
    ['a key twice', 'kind: Service\nkind: Pod\n', ['a.yaml:2 WEIR2006']],
    ['a tab', 'kind: Service\nmetadata:\n\tname: a\n', ['a.yaml:3 WEIR2006']],
    ['a text', 'hello\n', ['a.yaml:1 WEIR2007']],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', ['a.yaml:1 WEIR2007 kind']],
    ['a kind that is no text', 'apiVersion: v1\nkind: 7\n', ['a.yaml:2 WEIR2007 kind']],
    ['no name', 'apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\n', ['a.yaml:3 WEIR1005 metadata.name']],
    ['an unknown kind', 'apiVersion: networking.istio.io/v1\nkind: VirtualServce\n', ['a.yaml:2 WEIR2008 kind']],
    [
      'an unknown group',
      'apiVersion: networking.istio.oi/v1\nkind: VirtualService\n',
      ['a.yaml:1 WEIR2008 apiVersion'],
    ],
    ['a kind that is not read yet', 'apiVersion: telemetry.istio.io/v1\nkind: Telemetry\n', ['a.yaml:2 WEIR2008 kind']],
    [
      'an unknown version',
      routeDocument('a', 1).replace('istio.io/v1', 'istio.io/v9'),
      ['a.yaml:1 WEIR2009 apiVersion'],
    ],
    ['a wrong type', serviceDocument('a').replace('80', '"80"'), ['a.yaml:8 WEIR1002 spec.ports[0].port']],
    ['what the dialect refuses', routeDocument('a', -1), ['a.yaml:7 WEIR1105 spec.weight']],
    [
      'a spec that is no mapping',
      'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: [1]\n',
      ['a.yaml:4 WEIR1002 spec'],
    ],
    ['a list that is none', 'apiVersion: v1\nkind: List\nitems: {}\n', ['a.yaml:3 WEIR1002 items']],
    [
      'an item of a list',
      `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Servce\n`,
      ['a.yaml:5 WEIR2008 items[0].kind'],
    ],
  ])('names %s by file, line and field', (_name, text, places) => {
    const followed = read({ 'a.yaml': text, 'b.yaml': serviceDocument('other') });
    expect(followed.problemPlaces).toEqual(places);
    expect(followed.problems[0]).toMatchObject({ source: 'files', document: 1, keptLastGood: false });
    expect(followed.names).toEqual(['service other']);
  });

  it('suggests the kind that was meant', () => {
    const text = 'apiVersion: networking.istio.io/v1beta1\nkind: VirtualServce\nmetadata: {name: a}\n';
    const [problem] = read({ 'a.yaml': text }).problems;
    expect(problem?.advice).toBe('did you mean VirtualService of networking.istio.io/v1?');
  });

  it('lists everything that is wrong with an object, each under a key of its own', () => {
    const text = serviceDocument('a').replace('name: a', 'name: a\n  labels: {version: 1}').replace('80', 'high');
    const followed = read({ 'a.yaml': documents(serviceDocument('b'), text) });
    expect(followed.problemPlaces).toEqual([
      'a.yaml:14 WEIR1002 metadata.labels.version',
      'a.yaml:18 WEIR1002 spec.ports[0].port',
    ]);
    expect(followed.problems.map(({ key, document }) => ({ key, document }))).toEqual([
      { key: `${followed.path('a.yaml')}#2`, document: 2 },
      { key: `${followed.path('a.yaml')}#2/2`, document: 2 },
    ]);
    expect(followed.names).toEqual(['service b']);
  });

  it('keeps the first of two documents for one object, and names both places', () => {
    const followed = read({
      'a.yaml': documents(serviceDocument('x'), serviceDocument('twice', 1)),
      'b.yaml': serviceDocument('twice', 2),
      'c.yaml': `apiVersion: v1\nkind: List\nitems: [${JSON.stringify(service('twice'))}]\n`,
    });
    expect(followed.problemPlaces).toEqual(['b.yaml:1 WEIR2010', 'c.yaml:3 WEIR2010 items[0]']);
    expect(followed.problems[0]?.message).toContain(`${followed.path('a.yaml')}, document 2, line 10`);
    const twice = [...followed.engine.rows(services)].find(({ name }) => name === 'twice');
    expect(twice?.ports).toMatchObject([{ number: 1 }]);
  });

  it('lets another document stand in for an invalid one that was never good', () => {
    const followed = read({ 'a.yaml': routeDocument('r', -1), 'b.yaml': routeDocument('r', 5) });
    expect(followed.config('r')).toMatchObject({ spec: { weight: 5 } });
    expect(followed.problemPlaces).toEqual(['a.yaml:7 WEIR1105 spec.weight']);
  });

  it('finds fields and mistakes inside the settings of a ConfigMap', () => {
    const map = (name: string, text: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: ${name}}\ndata:\n  mesh: |-\n    # settings\n${text}`;
    const followed = read({
      'a.yaml': map('a', '    accessLogFile: x\n    weight: -1\n'),
      'b.yaml': map('b', '    accessLogFile: x\n    broken: [1\n    more: 1\n'),
      'c.yaml': map('c', '    - a\n'),
      'd.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n  mesh: {accessLogFile: x}\n',
    });
    expect(followed.problemPlaces).toEqual([
      'a.yaml:8 WEIR1105 data.mesh.weight',
      'b.yaml:9 WEIR2006 data.mesh',
      'c.yaml:7 WEIR1002 data.mesh',
      'd.yaml:5 WEIR1002 data.mesh',
    ]);
  });

  it('refuses a file that is not UTF-8', () => {
    const followed = new FollowedFiles();
    open.push(followed);
    followed.write('a.yaml', Buffer.from([0xff, 0xfe, 0x61, 0x00]));
    followed.source.readOnce();
    expect(followed.problemPlaces).toEqual(['a.yaml:1 WEIR2004']);
  });
});

describe('placeOf', () => {
  it('finds fields of objects, of items of lists and of settings in a ConfigMap', () => {
    const followed = read({
      'a.yaml': documents(serviceDocument('x'), routeDocument('reviews', 1)),
      'list.yaml': `apiVersion: v1
kind: List
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata:
    name: item
  spec:
    weight: 1
`,
      'mesh.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n  mesh: |\n    a: 1\n    weight: 2\n',
    });
    const place = (name: string, path?: string): string => {
      const row = followed.config(name);
      const found = row === undefined ? undefined : followed.source.placeOf(referenceToConfig(row), path);
      return `${found?.file.slice(followed.directory.length + 1)} ${found?.document} ${found?.line}`;
    };
    expect(place('reviews')).toBe('a.yaml 2 10');
    expect(place('reviews', 'spec.weight')).toBe('a.yaml 2 16');
    expect(place('item')).toBe('list.yaml 1 4');
    expect(place('item', 'spec.weight')).toBe('list.yaml 1 9');
    expect(place('istio', 'spec.weight')).toBe('mesh.yaml 1 7');
  });

  it('knows nothing of other sources', () => {
    const followed = read({ 'a.yaml': serviceDocument('x') });
    const reference = { kind: 'Service', namespace: 'default', name: 'x', origin: { source: 'kubernetes' } };
    expect(followed.source.placeOf(reference)).toBeUndefined();
  });
});

it('keys shards by the kind of the object that gives them', () => {
  const slice =
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a, labels: {kubernetes.io/service-name: a}}\naddressType: IPv4\n';
  const endpoints = 'apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{}]\n';
  const followed = read({ 'a.yaml': documents(slice, endpoints) });
  expect([...followed.engine.rows(endpointShards)].map(({ key }) => key)).toEqual([
    'default/a.default.svc.cluster.local files/slices/a',
    'default/a.default.svc.cluster.local files/endpoints/a/0',
  ]);
});

function service(name: string): unknown {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name } };
}
