import { mkdtempSync, readFileSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { run } from '../../src/cli/run.ts';
import { ApiError } from '../../src/discovery/kubernetes/api/api-client.ts';
import { istioCustomResources } from '../../src/policy/dialects/istio/custom-resources.ts';
import { largestObject } from '../../src/policy/dialects/istio/limits.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { problemsOf, type IstioKind } from '../support/istio-objects.ts';

/** The definitions of the kinds, as an API server applies them. */

const programs = await apiServerForTests();

type Kind = Exclude<IstioKind, 'MeshConfig'>;

function definitionOf(kind: string) {
  return istioCustomResources.find((definition) => definition.kind === kind);
}

interface Written {
  readonly kind: Kind;
  readonly spec: unknown;
  readonly place: string;
}

/** Every object of these kinds in the goldens, the demo and the documentation. */
function writtenObjects(): readonly Written[] {
  const root = join(import.meta.dirname, '..', '..');
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const yaml = globSync(['test/golden/**/in.yaml', 'deploy/demo/**/*.yaml'], { cwd: root }).map(
    (place) => [place, read(place)] as const,
  );
  const pages = globSync(['docs/**/*.md', 'README.md'], { cwd: root }).flatMap((place) =>
    [...read(place).matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = '']) => [place, block] as const),
  );
  return [...yaml, ...pages].flatMap(([place, text]) => objectsIn(text).map((object) => ({ ...object, place })));
}

function objectsIn(text: string): readonly Omit<Written, 'place'>[] {
  return parseAllDocuments(text).flatMap((document) => {
    const content = document.toJS() as { readonly items?: readonly unknown[] } | null;
    return (content?.items ?? [content]).flatMap((item) => {
      const { apiVersion, kind, spec } = (item ?? {}) as { apiVersion?: string; kind?: string; spec?: unknown };
      const group = kind === undefined ? undefined : definitionOf(kind)?.group;
      const isOurs = group !== undefined && apiVersion?.startsWith(`${group}/`) === true;
      return isOurs ? [{ kind: kind as Kind, spec }] : [];
    });
  });
}

/** Any value that a schema takes and that has what the API asks for. */
function anyOf(schema: z.core.JSONSchema._JSONSchema): fc.Arbitrary<unknown> {
  if (typeof schema === 'boolean') throw new Error('every field has a type');
  const { type, properties = {}, required = [], items, additionalProperties, enum: words } = schema;
  switch (type) {
    case 'string':
      return words === undefined ? fc.string({ unit: 'binary', maxLength: 8 }) : fc.constantFrom(...words);
    case 'integer':
      return fc.constantFrom(schema.minimum, schema.maximum, 0, 1);
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(anyOf(items as typeof schema), { maxLength: 2 });
    default:
      if (typeof additionalProperties === 'object')
        return fc.dictionary(fc.string({ maxLength: 8 }), anyOf(additionalProperties), {
          maxKeys: 2,
          noNullPrototype: true,
        });
      return fc.record(
        Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, anyOf(property)])),
        { requiredKeys: required, noNullPrototype: true },
      );
  }
}

/** Of a form that the decoder does not take, whatever it means. */
const mistakesOfForm = /^error WEIR100[1-37] /;

describe.skipIf(programs === undefined)('the definitions on a real API server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-definitions-'));
  let server: ApiServer;

  beforeAll(async () => {
    server = await ApiServer.start({ programs: programs!, controllers: false });
    writeFileSync(join(folder, 'kubeconfig'), server.kubeconfig);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function install(...options: readonly string[]): Promise<string> {
    let said = '';
    const write = (text: string) => (said += text);
    const exitCode = await run({
      arguments: ['install', 'crds', '--kubeconfig', join(folder, 'kubeconfig'), ...options],
      environment: {},
      out: { write, isTerminal: false, colours: false },
      err: { write, isTerminal: false, colours: false },
      now: () => Date.now(),
      untilStopped: () => new AbortController().signal,
      onCrash: () => undefined,
    });
    return `${said}exit status ${exitCode}\n`;
  }

  const pathOf = (kind: Kind, version: string): string =>
    `/apis/${definitionOf(kind)?.group}/${version}/namespaces/default/${definitionOf(kind)?.plural}`;

  /** What the server says of an object: nothing, or why it refuses it. */
  async function verdict(kind: Kind, spec: unknown, version = 'v1'): Promise<string> {
    const apiVersion = `${definitionOf(kind)?.group}/${version}`;
    try {
      await server.client.request({
        method: 'POST',
        path: pathOf(kind, version),
        query: { dryRun: 'All', fieldValidation: 'Strict' },
        body: { apiVersion, kind, metadata: { generateName: 'x-' }, spec },
      });
      return '';
    } catch (error) {
      if (error instanceof ApiError && error.failure === 'refused') return error.message;
      throw error;
    }
  }

  /** Writes an object and reads it back in another version. */
  async function stored(kind: Kind, name: string, spec: unknown): Promise<{ readonly spec: unknown }> {
    const body = { apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec };
    await server.client.request({ method: 'POST', path: pathOf(kind, 'v1'), body });
    const answer = await server.client.request({ path: `${pathOf(kind, 'v1beta1')}/${name}` });
    return answer.body as { readonly spec: unknown };
  }

  it('are accepted, and what was installed compares equal', async () => {
    const names = istioCustomResources.map(({ plural, group }) => `${plural}.${group}`);
    const lines = (outcome: string) => names.map((name) => `${name} ${outcome}\n`).join('');
    expect(await install('--dry-run')).toBe(`${lines('would be created')}exit status 0\n`);
    expect(await install()).toBe(`${lines('created')}exit status 0\n`);
    expect(await install()).toBe(`${lines('unchanged')}exit status 0\n`);
  });

  it('take every object of the goldens, the demo and the documentation, in every version', async () => {
    const objects = writtenObjects().filter(
      ({ kind, spec }) => !problemsOf(kind, spec).some((p) => mistakesOfForm.test(p)),
    );
    expect(objects.length).toBeGreaterThan(25);
    const refused: string[] = [];
    for (const { kind, spec, place } of objects) {
      for (const version of definitionOf(kind)?.versions ?? []) {
        const reason = await verdict(kind, spec, version);
        if (reason !== '') refused.push(`${place} ${version}: ${reason}`);
      }
    }
    expect(refused).toEqual([]);
  });

  it.each(istioCustomResources)(
    'kubernetes/K83: take any $kind that its schema takes',
    async ({ kind, spec: schema }) => {
      await fc.assert(
        fc.asyncProperty(anyOf(z.toJSONSchema(schema)), async (spec) => {
          fc.pre(schema.safeParse(spec).success);
          expect(await verdict(kind as Kind, spec)).toBe('');
        }),
        { numRuns: 50, seed: 84 },
      );
    },
  );

  const many = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `h${index}.test`);

  it.each([
    ['VirtualService', undefined, 'spec: Required value'],
    ['VirtualService', { hosts: 'web' }, 'spec.hosts: Invalid value'],
    ['VirtualService', { hosts: many(largestObject.hosts + 1) }, 'spec.hosts: Too many'],
    ['VirtualService', { hosts: ['web'], http: [{ timeout: 5 }] }, 'spec.http[0].timeout: Invalid value'],
    [
      'VirtualService',
      { hosts: ['web'], http: [{ route: [{ weight: 1 }] }] },
      'spec.http[0].route[0].destination: Required',
    ],
    [
      'VirtualService',
      { hosts: ['web'], http: [{ match: [{ port: -1 }] }] },
      'spec.http[0].match[0].port: Invalid value',
    ],
    [
      'DestinationRule',
      { host: 'web', trafficPolicy: { tls: { mode: 'MUTAL' } } },
      'spec.trafficPolicy.tls.mode: Unsupported',
    ],
    ['DestinationRule', { subsets: [] }, 'spec.host: Required value'],
    ['ServiceEntry', { hosts: ['a.test'], ports: [{ name: 'http' }] }, 'spec.ports[0].number: Required value'],
    ['ServiceEntry', { hosts: ['a.test'], resolution: 'dns' }, 'spec.resolution: Unsupported value'],
    ['WorkloadEntry', { address: '10.0.0.1', ports: { http: '80' } }, 'spec.ports.http: Invalid value'],
    ['WorkloadEntry', { address: '10.0.0.1', weight: 5_000_000_000 }, 'spec.weight: Invalid value'],
  ] as const)('refuse a %s like %j', async (kind, spec, reason) => {
    expect(await verdict(kind, spec)).toContain(reason);
  });

  it('refuse nothing of form alone that the decoder takes', async () => {
    const spec = {
      host: 'web',
      exportTo: null,
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 5 } }, tls: null },
      subsets: [{ name: 'v1', labels: { a: null } }],
    };
    expect(problemsOf('DestinationRule', spec)).toEqual([]);
    const { spec: kept } = await stored('DestinationRule', 'nulls', spec);
    // What is null counts as absent for both.
    expect(problemsOf('DestinationRule', kept)).toEqual([]);
  });

  it('kubernetes/K85: admit what only the decoder can tell, which then does', async () => {
    const spec = { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' }, weight: -5 }] }] };
    const { spec: kept } = await stored('VirtualService', 'negative', spec);
    expect(problemsOf('VirtualService', kept)).toEqual(['error WEIR1105 spec.http[0].route[0].weight']);
  });

  it('keep fields that do not exist, so that the decoder hears of them', async () => {
    const spec = { hosts: ['web'], http: [{ retrys: { attempts: 2 }, route: [{ destination: { host: 'web' } }] }] };
    const { spec: kept } = await stored('VirtualService', 'unknown-field', spec);
    expect(kept).toEqual(spec);
    expect(problemsOf('VirtualService', kept)).toEqual(['error WEIR1001 spec.http[0].retrys']);
  });

  it('keep the conditions of several writers apart', async () => {
    await stored('WorkloadEntry', 'machine', { address: '10.0.0.1' });
    const path = `${pathOf('WorkloadEntry', 'v1')}/machine/status`;
    for (const [fieldManager, type] of [
      ['weir', 'Accepted'],
      ['other', 'Healthy'],
    ] as const) {
      const condition = { type, status: 'True', reason: 'Fine', message: 'fine', observedGeneration: 1 };
      await server.client.request({
        method: 'PATCH',
        path,
        query: { fieldManager },
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: 'networking.istio.io/v1',
          kind: 'WorkloadEntry',
          metadata: { name: 'machine', namespace: 'default' },
          status: { conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] },
        },
      });
    }
    const { body } = await server.client.request({ path: `${pathOf('WorkloadEntry', 'v1')}/machine` });
    expect(body).toMatchObject({
      metadata: { generation: 1 },
      status: { conditions: [{ type: 'Accepted' }, { type: 'Healthy' }] },
    });
  });

  it.each([
    ['VirtualService', ['Name', 'Gateways', 'Hosts', 'Accepted', 'Programmed', 'Age']],
    ['DestinationRule', ['Name', 'Host', 'Accepted', 'Programmed', 'Age']],
    ['ServiceEntry', ['Name', 'Hosts', 'Location', 'Resolution', 'Accepted', 'Programmed', 'Age']],
    ['WorkloadEntry', ['Name', 'Address', 'Accepted', 'Programmed', 'Age']],
  ] as const)('show a %s as people know it', async (kind, columns) => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await server.client.request({ path: pathOf(kind, 'v1'), accept });
    const { columnDefinitions } = body as { readonly columnDefinitions: readonly { readonly name: string }[] };
    expect(columnDefinitions.map(({ name }) => name)).toEqual(columns);
  });
});
