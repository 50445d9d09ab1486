import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { locateEnvoy } from '../app/envoy-binary.ts';
import { fromJson, toJson } from '../xds/json.ts';
import { bootstrap, type BootstrapOptions } from './bootstrap.ts';
import { nodeId, parseNodeId, proxyNode, type ProxyFacts } from './proxy-node.ts';

const workload = { name: 'web-1', namespace: 'shop', ip: '10.1.2.3', domain: 'cluster.local' };

function someFacts(facts: Partial<ProxyFacts> = {}): ProxyFacts {
  return {
    labels: { app: 'web' },
    serviceAccount: 'web',
    clusterId: 'Kubernetes',
    locality: { region: 'eu', zone: 'eu-1', subZone: '' },
    interception: 'none',
    httpProxyPort: 15080,
    boundAddresses: '127.40.0.0/16',
    ...facts,
  };
}

function aBootstrap(options: Partial<BootstrapOptions> = {}) {
  const message = bootstrap({
    node: proxyNode(workload, someFacts()),
    xds: { host: '127.0.0.1', port: 15010 },
    adminPort: 15000,
    statusPort: undefined,
    wire: 'delta',
    ...options,
  });
  return toJson('envoy.config.bootstrap.v3.Bootstrap', message);
}

describe('node', () => {
  it('istio-compat/I90: has an id of four parts that can be read back', () => {
    const id = nodeId(workload);
    expect(id).toBe('sidecar~10.1.2.3~web-1.shop~shop.svc.cluster.local');
    expect(parseNodeId(id)).toEqual(workload);
  });

  it.each(['', 'web-1', 'router~10.1.2.3~a.b~b.svc.x', 'sidecar~10.1.2.3~a.b~c.svc.x', 'sidecar~10.1.2.3~a~b.svc.x'])(
    'istio-compat/I90: %j is no id of a sidecar',
    (id) => {
      expect(parseNodeId(id)).toBeUndefined();
    },
  );

  it('istio-compat/I93: says what it is as text, and leaves out what it is not', () => {
    expect(aBootstrap()).toMatchObject({
      node: {
        cluster: 'web-1.shop',
        locality: { region: 'eu', zone: 'eu-1' },
        metadata: {
          NAME: 'web-1',
          NAMESPACE: 'shop',
          INSTANCE_IPS: '10.1.2.3',
          LABELS: { app: 'web' },
          SERVICE_ACCOUNT: 'web',
          INTERCEPTION_MODE: 'NONE',
          HTTP_PROXY_PORT: '15080',
          WEIR_BOUND_ADDRESSES: '127.40.0.0/16',
        },
      },
    });
    const node = proxyNode(workload, someFacts({ interception: 'redirect', httpProxyPort: undefined }));
    expect(aBootstrap({ node })).toMatchObject({ node: { metadata: { INTERCEPTION_MODE: 'REDIRECT' } } });
    expect(JSON.stringify(aBootstrap({ node }))).not.toContain('HTTP_PROXY_PORT');
  });
});

describe('bootstrap', () => {
  it('istio-compat/I67: asks for everything over one incremental stream, says who it is once, and waits for CDS and LDS', () => {
    expect(aBootstrap()).toMatchObject({
      dynamicResources: {
        adsConfig: { apiType: 'DELTA_GRPC', transportApiVersion: 'V3', setNodeOnFirstMessageOnly: true },
        cdsConfig: { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' },
        ldsConfig: { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' },
      },
    });
  });

  it('can ask for the state of the world', () => {
    expect(aBootstrap({ wire: 'sotw' })).toMatchObject({ dynamicResources: { adsConfig: { apiType: 'GRPC' } } });
  });

  it('resolves the name of the control plane, and takes an address as it is', () => {
    const clusterTypeOf = (host: string) =>
      fromJson('envoy.config.bootstrap.v3.Bootstrap', aBootstrap({ xds: { host, port: 15010 } })).staticResources
        ?.clusters?.[0]?.type;
    // STATIC is the enum's zero, which is left out.
    expect(['127.0.0.1', '::1', 'weir.weir-system.svc'].map((host) => clusterTypeOf(host) ?? 'STATIC')).toEqual([
      'STATIC',
      'STATIC',
      'STRICT_DNS',
    ]);
  });
});

const envoy = await locateEnvoy(process.env).catch(() => undefined);
const folder = mkdtempSync(join(tmpdir(), 'weir-bootstrap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(envoy === undefined && !(process.env['WEIR_REQUIRE'] ?? '').includes('envoy'))('a real Envoy', () => {
  it.each([
    ['incremental', aBootstrap()],
    ['state of the world', aBootstrap({ wire: 'sotw' })],
    ['by name', aBootstrap({ xds: { host: 'weir.weir-system.svc', port: 15010 } })],
    ['with a status port', aBootstrap({ statusPort: 15021 })],
  ])('accepts it: %s', async (name, json) => {
    const file = join(folder, `${name.replaceAll(' ', '-')}.json`);
    writeFileSync(file, JSON.stringify(json));
    const { stdout, stderr } = await promisify(execFile)(envoy ?? 'envoy', ['--mode', 'validate', '-c', file]);
    expect(stdout).toContain('OK');
    expect(stderr).not.toMatch(/deprecated|no configured limit/i);
  });
});
