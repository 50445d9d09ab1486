import { describe, expect, it } from 'vitest';
import { proxyKey } from '../model/keys.ts';
import { struct } from './envoy.ts';
import { isNodeError, proxyOfNode } from './node.ts';
import { decode, encode } from './proto.ts';

const id = 'sidecar~10.1.2.3~reviews-v1-7d9.shop~shop.svc.cluster.local';
const metadata = {
  NAMESPACE: 'shop',
  LABELS: { app: 'reviews', version: 'v1' },
  SERVICE_ACCOUNT: 'reviews',
  CLUSTER_ID: 'Kubernetes',
  ISTIO_VERSION: '1.27.0',
  INTERCEPTION_MODE: 'NONE',
  INSTANCE_IPS: '10.1.2.3,fd00::1',
  HTTP_PROXY_PORT: '15007',
  POD_PORTS: '[{"name":"http","containerPort":9080,"protocol":"TCP"}]',
  WEIR_BOUND_ADDRESSES: '127.1.0.0/16',
};

function read(node: unknown) {
  return proxyOfNode(node, (nodeId) => proxyKey(`${nodeId}#1`));
}

function proxy(node: unknown) {
  const result = read(node);
  if (isNodeError(result)) throw new Error(result.problems.join('; '));
  return result;
}

function problems(node: unknown): readonly string[] {
  const result = read(node);
  return isNodeError(result) ? result.problems : [];
}

describe('proxyOfNode', () => {
  it('reads what a sidecar says of itself (istio-compat/I90, istio-compat/I91, istio-compat/I93)', () => {
    expect(proxy({ id, metadata, locality: { region: 'r', zone: 'z', sub_zone: 's' } })).toEqual({
      key: `${id}#1`,
      nodeId: id,
      addresses: ['10.1.2.3', 'fd00::1'],
      workloadName: 'reviews-v1-7d9',
      namespace: 'shop',
      domain: 'cluster.local',
      labels: { app: 'reviews', version: 'v1' },
      serviceAccount: 'reviews',
      clusterId: 'Kubernetes',
      locality: { region: 'r', zone: 'z', subZone: 's' },
      interception: 'none',
      httpProxyPort: 15007,
      boundAddresses: '127.1.0.0/16',
      podPorts: [{ name: 'http', containerPort: 9080 }],
      version: '1.27.0',
      extensions: undefined,
      takesVirtualHosts: false,
      secrets: 'none',
    });
  });

  it('virtual hosts come one by one to Envoys that are known to take them', () => {
    const envoy = (minorNumber: number, more: object = {}) =>
      proxy({
        id,
        userAgentName: 'envoy',
        userAgentBuildVersion: { version: { majorNumber: 1, minorNumber, patch: 2 } },
        ...more,
      }).takesVirtualHosts;
    expect(envoy(40)).toBe(true);
    expect(envoy(41)).toBe(true);
    expect(envoy(39)).toBe(false);
    expect(envoy(40, { metadata: { ISTIO_VERSION: '1.27.0' } })).toBe(false);
    expect(envoy(40, { userAgentName: 'gRPC C-core' })).toBe(false);
    expect(proxy({ id }).takesVirtualHosts).toBe(false);
  });

  it('reads the same from the bytes of a request as from JSON', () => {
    const json = { id, metadata, locality: { region: 'r', zone: 'z', subZone: 's' }, extensions: [{ name: 'x' }] };
    const bytes = encode('envoy.config.core.v3.Node', { ...json, metadata: struct(metadata) });
    expect(proxy(decode('envoy.config.core.v3.Node', bytes))).toEqual(proxy(json));
  });

  it('needs nothing but the id', () => {
    expect(proxy({ id })).toMatchObject({
      addresses: ['10.1.2.3'],
      namespace: 'shop',
      interception: 'redirect',
      httpProxyPort: undefined,
      boundAddresses: undefined,
      podPorts: [],
      version: '',
    });
  });

  it('takes the namespace of the metadata before that of the id (istio-compat/I91)', () => {
    expect(proxy({ id, metadata: { NAMESPACE: 'other' } }).namespace).toBe('other');
  });

  it('takes the addresses of the metadata before that of the id (istio-compat/I90)', () => {
    expect(proxy({ id, metadata: { INSTANCE_IPS: '10.9.9.9' } }).addresses).toEqual(['10.9.9.9']);
    expect(proxy({ id, metadata: { INSTANCE_IPS: 'none' } }).addresses).toEqual(['10.1.2.3']);
    expect(proxy({ id: id.replace('10.1.2.3', ''), metadata }).addresses).toEqual(['10.1.2.3', 'fd00::1']);
  });

  it('takes TPROXY for interception by redirection', () => {
    expect(proxy({ id, metadata: { INTERCEPTION_MODE: 'TPROXY' } }).interception).toBe('redirect');
  });

  it('names the extensions that were announced', () => {
    expect(proxy({ id, extensions: [{ name: 'envoy.filters.http.router' }] }).extensions).toEqual(
      new Set(['envoy.filters.http.router']),
    );
  });

  it('takes the version of Envoy where Istio names none', () => {
    const version = { major_number: 1, minor_number: 40, patch: 0 };
    expect(proxy({ id, user_agent_build_version: { version } }).version).toBe('1.40.0');
    expect(proxy({ id, userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 40 } } }).version).toBe(
      '1.40.0',
    );
  });

  it.each([
    ['no node', undefined, /not an object/],
    ['no id', {}, /has no id/],
    ['too few parts', { id: 'sidecar~10.0.0.1~a.b' }, /3 parts/],
    ['an unknown type', { id: id.replace('sidecar', 'toaster') }, /type 'toaster'/],
    ['a wrong address', { id: id.replace('10.1.2.3', '10.1.2') }, /'10\.1\.2' .* no IP address/],
    ['no address at all', { id: id.replace('10.1.2.3', '') }, /names no IP address/],
    ['a workload without namespace', { id: id.replace('reviews-v1-7d9.shop', 'reviews') }, /POD\.NAMESPACE/],
    ['a wrong domain', { id: id.replace('shop.svc.cluster.local', 'cluster.local') }, /NAMESPACE\.svc\.DOMAIN/],
    ['blanks', { id: id.replace('reviews', 're views') }, /blanks/],
    ['an unknown interception', { id, metadata: { INTERCEPTION_MODE: 'MAGIC' } }, /INTERCEPTION_MODE is 'MAGIC'/],
    ['a port that is none', { id, metadata: { HTTP_PROXY_PORT: '99999' } }, /HTTP_PROXY_PORT is '99999'/],
    ['ports that are no JSON', { id, metadata: { POD_PORTS: '{' } }, /POD_PORTS is no JSON/],
    ['bound addresses that are none', { id, metadata: { WEIR_BOUND_ADDRESSES: 'x' } }, /must be a CIDR/],
  ])('says what is wrong with %s (istio-compat/I90)', (_, node, message) => {
    expect(problems(node).join('\n')).toMatch(message);
  });

  it('says everything that is wrong at once', () => {
    expect(problems({ id: 'x~y~z~z', metadata: { INTERCEPTION_MODE: 'MAGIC' } })).toHaveLength(5);
  });
});
