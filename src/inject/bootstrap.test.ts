import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Authority } from '../../test/support/certificates.ts';
import { locateEnvoy } from '../app/envoy-binary.ts';
import { fromJson, toJson } from '../xds/json.ts';
import { bootstrap, type BootstrapOptions } from './bootstrap.ts';
import { readProbe } from './probes.ts';
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
    security: { kind: 'plaintext' },
    serverName: undefined,
    adminPort: 15000,
    statusPort: undefined,
    probes: [],
    applicationAddress: '10.1.2.3',
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

const secured = { xds: { host: 'weir.weir-system.svc', port: 15012 } };
const token = { kind: 'token', rootCertificate: '/etc/root.pem', token: '/etc/token' } as const;

describe('a bootstrap over TLS', () => {
  it('xds-protocol/X308: has a token read from its file for every stream', () => {
    const { grpcServices, clusters } = connectionIn(aBootstrap({ ...secured, security: token }));
    expect(grpcServices).toMatchObject([
      {
        googleGrpc: {
          targetUri: 'weir.weir-system.svc:15012',
          channelCredentials: { sslCredentials: { rootCerts: { filename: '/etc/root.pem' } } },
          credentialsFactoryName: 'envoy.grpc_credentials.file_based_metadata',
          callCredentials: [
            {
              fromPlugin: {
                name: 'envoy.grpc_credentials.file_based_metadata',
                typedConfig: {
                  secretData: { filename: '/etc/token' },
                  headerKey: 'authorization',
                  headerPrefix: 'Bearer ',
                },
              },
            },
          ],
        },
      },
    ]);
    expect(clusters).toEqual([]);
  });

  it.each([
    ['::1', '[::1]:15012'],
    ['10.0.0.1', '10.0.0.1:15012'],
  ])('dials the address %s', (host, targetUri) => {
    const { grpcServices } = connectionIn(aBootstrap({ xds: { host, port: 15012 }, security: token }));
    expect(grpcServices).toMatchObject([{ googleGrpc: { targetUri } }]);
  });

  it.each([
    ['weir.weir-system.svc', undefined, 'DNS', 'weir.weir-system.svc'],
    ['10.0.0.1', undefined, 'IP_ADDRESS', '10.0.0.1'],
    ['10.0.0.1', 'weir.example', 'DNS', 'weir.example'],
  ])('shows a certificate, and wants one for whom it asked: %s, %s', (host, serverName, sanType, exact) => {
    const security = { ...token, kind: 'certificate', certificate: '/etc/c.pem', key: '/etc/k.pem' } as const;
    const json = aBootstrap({ xds: { host, port: 15012 }, security, serverName });
    const { grpcServices, clusters } = connectionIn(json);
    expect(grpcServices).toMatchObject([{ envoyGrpc: { clusterName: 'xds-grpc' } }]);
    expect(clusters).toMatchObject([
      {
        transportSocket: {
          typedConfig: {
            commonTlsContext: {
              tlsCertificates: [
                { certificateChain: { filename: '/etc/c.pem' }, privateKey: { filename: '/etc/k.pem' } },
              ],
              validationContext: { matchTypedSubjectAltNames: [{ sanType, matcher: { exact } }] },
            },
          },
        },
      },
    ]);
  });
});

function connectionIn(json: unknown) {
  const { dynamicResources, staticResources } = json as {
    readonly dynamicResources: { readonly adsConfig: { readonly grpcServices: unknown } };
    readonly staticResources: { readonly clusters?: readonly unknown[] };
  };
  return { grpcServices: dynamicResources.adsConfig.grpcServices, clusters: staticResources.clusters ?? [] };
}

const envoy = await locateEnvoy(process.env).catch(() => undefined);
const folder = mkdtempSync(join(tmpdir(), 'weir-bootstrap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(envoy === undefined && !(process.env['WEIR_REQUIRE'] ?? '').includes('envoy'))('a real Envoy', () => {
  const authority = new Authority('root');
  const { certificate, key } = authority.issue('web');
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const rootCertificate = written('root.pem', authority.certificate);
  const files = {
    token: { kind: 'token', rootCertificate, token: written('token', 'secret') },
    certificate: {
      kind: 'certificate',
      rootCertificate,
      certificate: written('c.pem', certificate),
      key: written('k.pem', key),
    },
  } as const;

  it.each([
    ['with a token', aBootstrap({ ...secured, security: files.token, serverName: 'weir.example' })],
    ['with a client certificate', aBootstrap({ ...secured, security: files.certificate })],
    ['incremental', aBootstrap()],
    ['state of the world', aBootstrap({ wire: 'sotw' })],
    ['by name', aBootstrap({ xds: { host: 'weir.weir-system.svc', port: 15010 } })],
    ['with a status port', aBootstrap({ statusPort: 15021 })],
    [
      'with probes',
      aBootstrap({
        statusPort: 15021,
        probes: ['/h=http:80/x', '/s=https:443/', '/t=tcp:5432', '/g=grpc:9000/a.B'].flatMap(
          (text) => readProbe(text) ?? [],
        ),
      }),
    ],
  ])('accepts it: %s', async (name, json) => {
    const file = join(folder, `${name.replaceAll(' ', '-')}.json`);
    writeFileSync(file, JSON.stringify(json));
    const { stdout, stderr } = await promisify(execFile)(envoy ?? 'envoy', ['--mode', 'validate', '-c', file]);
    expect(stdout).toContain('OK');
    expect(stderr).not.toMatch(/deprecated|no configured limit/i);
  });
});
