import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { FakeApiServer } from '../../test/support/fake-api-server/server.ts';
import { startFakeApiServer } from '../../test/support/fake-api-server/start.ts';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-install-'));
const kubeconfig = join(folder, 'kubeconfig');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let server: FakeApiServer;
beforeEach(async () => {
  const fake = await startFakeApiServer();
  server = fake.server;
  writeFileSync(kubeconfig, fake.kubeconfig);
});
afterEach(() => server.stop());

async function weir(line: string, environment: Readonly<Record<string, string>> = {}) {
  let [out, err] = ['', ''];
  const exitCode = await run({
    arguments: line.split(' '),
    environment,
    out: { write: (text) => (out += text), isTerminal: false, colours: false },
    err: { write: (text) => (err += text), isTerminal: false, colours: false },
    now: () => 0,
    untilStopped: () => new AbortController().signal,
    onCrash: () => undefined,
  });
  return { exitCode, out, err };
}

const install = (options = '') => weir(`install crds --kubeconfig ${kubeconfig}${options === '' ? '' : ` ${options}`}`);

const names = [
  ...['destinationrules', 'serviceentries', 'virtualservices', 'workloadentries'].map(
    (plural) => `${plural}.networking.istio.io`,
  ),
  'authorizationpolicies.security.istio.io',
  'peerauthentications.security.istio.io',
  'requestauthentications.security.istio.io',
];
const all = (outcome: string) => names.map((name) => `${name} ${outcome}\n`).join('');
const definition = 'workloadentries.networking.istio.io';
const crds = 'customresourcedefinitions.apiextensions.k8s.io';

function definitionOf(name: string): object | undefined {
  return server.objects.list(crds).find(({ metadata }) => metadata.name === name);
}

/** What somebody else has made of the kind WorkloadEntry. */
function putForeign(version: string): void {
  server.objects.put(crds, {
    metadata: { name: definition, labels: { app: 'istio-pilot' } },
    spec: {
      group: 'networking.istio.io',
      names: { kind: 'WorkloadEntry', listKind: 'WorkloadEntryList', plural: 'workloadentries' },
      scope: 'Namespaced',
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  });
}

describe('weir install crds', () => {
  it('creates what is missing, and finds it unchanged afterwards', async () => {
    expect(await install('--dry-run')).toEqual({ exitCode: 0, out: all('would be created'), err: '' });
    expect(await install()).toEqual({ exitCode: 0, out: all('created'), err: '' });
    expect(await install()).toEqual({ exitCode: 0, out: all('unchanged'), err: '' });
  });

  it('finds the cluster where kubectl finds it', async () => {
    const environment = { KUBECONFIG: kubeconfig };
    expect(await weir('install crds --context fake', environment)).toMatchObject({ exitCode: 0, err: '' });
    const elsewhere = await weir('install crds --context production', environment);
    expect(elsewhere.exitCode).toBe(2);
    expect(elsewhere.err).toContain('production');
  });

  it('replaces definitions of another version of Weir only when it is told to', async () => {
    await install();
    const installed = definitionOf(definition) as { spec: { names: object }; metadata: { name: string } };
    const { spec, metadata } = installed;
    const names = { ...spec.names, shortNames: ['old'] };
    server.objects.put(crds, { ...installed, metadata, spec: { ...spec, names } });
    const refused = await install();
    expect(refused).toMatchObject({
      exitCode: 1,
      err: `weir: ${definition} is of another version of Weir: --upgrade replaces it; its objects stay\n`,
    });
    expect((await install('--upgrade')).out).toContain(`${definition} upgraded\n`);
    expect(await install()).toMatchObject({ exitCode: 0, out: all('unchanged') });
  });

  it('kubernetes/K82: leaves a definition alone that is not its own, even when it is to upgrade', async () => {
    putForeign('v1beta1');
    const { exitCode, out, err } = await install('--upgrade');
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toContain(`${definition} is somebody else's; left as it is, and read\n`);
    expect(definitionOf(definition)).toMatchObject({
      metadata: { labels: { app: 'istio-pilot' } },
      spec: { versions: [{ name: 'v1beta1' }] },
    });
  });

  it('says of a foreign definition that cannot be read what it would take', async () => {
    putForeign('v2');
    const { exitCode, err } = await install();
    expect(exitCode).toBe(1);
    expect(err).toBe(
      `weir: ${definition} belongs to somebody else and serves none of the versions v1, v1beta1, v1alpha3: upgrade what installed it\n`,
    );
  });

  it('kubernetes/K82: claims no kind of istio.io where Istio runs', async () => {
    server.objects.put('deployments.apps', {
      metadata: { name: 'istiod-1-28', namespace: 'istio-system', labels: { app: 'istiod' } },
    });
    putForeign('v1');
    const { exitCode, out, err } = await install();
    expect(exitCode).toBe(1);
    expect(out).toContain('virtualservices.networking.istio.io left to Istio\n');
    expect(err).toContain("beside Istio (istio-system/istiod-1-28): install Istio's own definitions");
    expect(definitionOf(names[0] ?? '')).toBeUndefined();
  });

  it('says what the server refuses, and that it is not there', async () => {
    server.faults.once(
      { resource: 'customresourcedefinitions' },
      { kind: 'status', code: 403, message: 'not allowed' },
    );
    expect(await install()).toMatchObject({ exitCode: 1, out: '' });
    await server.stop();
    expect(await install()).toMatchObject({ exitCode: 69, out: '' });
  });

  it('prints the definitions without looking at a cluster', async () => {
    await server.stop();
    const { exitCode, out } = await weir('install crds --print');
    expect(exitCode).toBe(0);
    expect(parseAllDocuments(out).map((document) => document.getIn(['metadata', 'name']))).toEqual(names);
  });
});
