import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoyForTests } from '../support/envoy.ts';
import { echoOf, serviceDocument, TestMesh, until } from '../support/test-mesh.ts';

/** Real Envoys that get virtual hosts one by one. */

const envoy = await envoyForTests();
const flags = ['--route-delivery', 'virtual-hosts'];
const client = { name: 'client-1', app: 'client', version: 'v1', address: '127.0.4.1' };

function answering(status: number): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http: [{directResponse: {status: ${status}}}]
`;
}

/** How often the client's Envoy has taken something of its route configuration, or of the virtual hosts for it. */
async function updates(mesh: TestMesh, of: 'rds' | 'rds.vhds', counter = 'update_success'): Promise<number> {
  const { sidecar, proxyPort } = mesh.pod('client-1');
  return sidecar.stat(`http.outbound_127.0.0.1_${proxyPort}.${of}.http_proxy.${counter}`);
}

describe.skipIf(envoy === undefined)('virtual hosts one by one', () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    const pods = [client, { name: 'echo-1', app: 'echo', version: 'v1', address: '127.0.4.11' }];
    const services = ['client', 'echo'].map(serviceDocument).join('---\n');
    mesh = await TestMesh.start(envoy ?? '', pods, { 'services.yaml': services }, flags);
  });
  afterAll(async () => {
    await mesh?.stop();
  });

  const ask = async (host = 'echo') => mesh.ask('client-1', `http://${host}/`);
  const hosts = async (): Promise<readonly string[]> => {
    const dump = await mesh.pod('client-1').sidecar.text('/config_dump?resource=dynamic_route_configs');
    return [...dump.matchAll(/"name": "(http_proxy\/[^"]+)"/g)].map(([, name = '']) => name).toSorted();
  };

  it('take traffic (xds-protocol/X310)', async () => {
    expect(echoOf(await ask()).instance).toBe('echo-1');
    expect(await updates(mesh, 'rds.vhds')).toBeGreaterThan(0);
  });

  it('change without their route configuration, and without each other (xds-protocol/X313)', async () => {
    const before = [await updates(mesh, 'rds'), await updates(mesh, 'rds.vhds')];
    await mesh.apply('route.yaml', answering(418));
    expect((await ask()).status).toBe(418);
    expect((await ask('client')).status).toBe(200);
    await mesh.apply('route.yaml', answering(200));
    expect([await updates(mesh, 'rds'), await updates(mesh, 'rds.vhds')]).toEqual([before[0], (before[1] ?? 0) + 2]);
  });

  it('come and go with their services (xds-protocol/X77)', async () => {
    const before = await hosts();
    const alias = serviceDocument('echo').replace('name: echo', 'name: alias');
    await mesh.apply('alias.yaml', alias);
    expect(await hosts()).toEqual([...before, 'http_proxy/alias.test.svc.cluster.local:80'].toSorted());
    await rm(join(mesh.files, 'alias.yaml'));
    await until('the host to go', async () => (await hosts()).length === before.length);
    expect(await hosts()).toEqual(before);
    expect((await ask('alias')).status).toBe(502);
  });

  it('answer for hosts that nobody has, at once', async () => {
    expect(await ask('nobody.example.com')).toMatchObject({
      status: 502,
      body: 'weir: no service of the mesh has this name and port\n',
    });
  });

  it('are not sent again by a Weir that was started again', async () => {
    const attempts = async () => mesh.pod('client-1').sidecar.stat('cluster_manager.cds.update_attempt');
    const [before, asked] = [await updates(mesh, 'rds.vhds'), await attempts()];
    await mesh.crashWeir();
    await mesh.restartWeir();
    await until('Envoy to ask again', async () => (await attempts()) > asked);
    await mesh.apply('route.yaml', answering(418));
    await until('the edit', async () => (await ask()).status === 418);
    expect(await updates(mesh, 'rds.vhds')).toBe(before + 1);
  });
});

it.skipIf(envoy === undefined)('an Envoy becomes ready in a mesh without hosts (xds-protocol/X311)', async () => {
  const mesh = await TestMesh.start(envoy ?? '', [client], {}, flags);
  try {
    expect(await updates(mesh, 'rds.vhds')).toBe(1);
    expect(await updates(mesh, 'rds.vhds', 'init_fetch_timeout')).toBe(0);
    expect((await mesh.ask('client-1', 'http://echo/')).status).toBe(502);
  } finally {
    await mesh.stop();
  }
});
