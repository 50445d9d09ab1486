import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Envoy } from '../../deploy/demo/envoy.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { struct } from '../../src/xds/envoy.ts';
import { toJson } from '../../src/xds/json.ts';
import { Authority } from '../support/certificates.ts';
import { envoyForTests } from '../support/envoy.ts';
import { agentBootstrap, IstioAgent } from '../support/istio-agent.ts';
import { addressOf, aProxyPort, JoinedMesh, type Joining } from '../support/joined-mesh.ts';
import { until } from '../support/test-mesh.ts';

/** What an unmodified Istio agent does beside an Envoy, done by a script, between the real Envoy and `weir serve`. */

const binary = await envoyForTests();

const callerUri = 'URI=spiffe://cluster.local/ns/shop/sa/web';

/** As the agent makes it from its environment (I90, I93). */
function agentNode({ workload, account, proxyPort }: Omit<Joining, 'token'>): envoy.Node {
  const address = addressOf(workload);
  return {
    id: `sidecar~${address}~${workload}.shop~shop.svc.cluster.local`,
    cluster: `${account}.shop`,
    metadata: struct({
      NAME: workload,
      NAMESPACE: 'shop',
      SERVICE_ACCOUNT: account,
      WORKLOAD_NAME: account,
      CLUSTER_ID: 'Kubernetes',
      MESH_ID: 'cluster.local',
      ISTIO_VERSION: '1.27.1',
      INSTANCE_IPS: address,
      INTERCEPTION_MODE: 'NONE',
      LABELS: { app: account },
      PROXY_CONFIG: { discoveryAddress: 'weir', concurrency: 1 },
      UNPRIVILEGED_POD: 'true',
      ...(proxyPort === undefined ? {} : { HTTP_PROXY_PORT: String(proxyPort) }),
    }),
  };
}

describe.skipIf(binary === undefined)('an Istio agent', () => {
  const closers: (() => Promise<unknown> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function aJoinedMesh(authority: Readonly<Record<string, string>> = {}): Promise<JoinedMesh> {
    const mesh = await JoinedMesh.start(binary ?? '', authority);
    closers.push(() => mesh.stop());
    return mesh;
  }

  /** The files where the agent looks for them. */
  async function startAgent(mesh: JoinedMesh, { workload, account }: Pick<Joining, 'workload' | 'account'>) {
    const folder = join(mesh.folder, workload);
    for (const name of ['istio', 'tokens']) await mkdir(join(folder, 'var/run/secrets', name), { recursive: true });
    await mesh.command(`${workload}/var/run/secrets/istio/root-cert.pem`, 'ca', 'roots', '--ca-dir', 'ca');
    await mesh.token(`${workload}/var/run/secrets/tokens/istio-token`, account, workload);
    const agent = await IstioAgent.start({ folder, address: mesh.xds, namespace: 'shop', serviceAccount: account });
    closers.push(() => agent.stop());
    return agent;
  }

  async function startBehindAgent(mesh: JoinedMesh, joining: Omit<Joining, 'token'>) {
    const agent = await startAgent(mesh, joining);
    const bootstrap = toJson('envoy.config.bootstrap.v3.Bootstrap', agentBootstrap(agentNode(joining), agent.sockets));
    const started = await mesh.startEnvoy(joining.workload, JSON.stringify(bootstrap));
    await started.ready(AbortSignal.timeout(10_000));
    return { agent, envoy: started };
  }

  it('gets a certificate for who its token says, with all roots in the last string (istio-compat/I45, istio-compat/I53, istio-compat/I54)', async () => {
    const mesh = await aJoinedMesh({ 'root-cert.pem': new Authority('other').certificate });
    const { chain } = await startAgent(mesh, { workload: 'web-1', account: 'web' });
    expect(chain.every((text) => text.endsWith('\n'))).toBe(true);
    expect(chain.at(-1)).toBe(await mesh.read('roots.pem'));
    expect(chain.map((text) => text.split('BEGIN').length - 1)).toEqual([1, 2]);
    const leaf = new X509Certificate(chain[0] ?? '');
    expect(leaf.subjectAltName).toBe('URI:spiffe://cluster.local/ns/shop/sa/web');
    expect(leaf.verify(new X509Certificate(chain[1] ?? '').publicKey)).toBe(true);
  }, 30_000);

  it.each(['client', 'server'])(
    'is the %s of a stock Envoy: mutual TLS with the key that the agent made (istio-compat/I60, istio-compat/I61, istio-compat/I84)',
    async (role) => {
      const mesh = await aJoinedMesh();
      const port = await aProxyPort();
      const web = { workload: 'web-1', account: 'web', proxyPort: port };
      const api = { workload: 'api-1', account: 'api' };
      const [behind, stock] = role === 'client' ? [web, api] : [api, web];
      await mesh.token('stock.token', stock.account, stock.workload);
      await mesh.join({ ...stock, token: 'stock.token' });
      const { agent, envoy: agents } = await startBehindAgent(mesh, behind);
      await until('a call', async () => (await mesh.call(port)).includes(callerUri));
      expect(await mesh.callInTheClear()).toBe('status 0');
      expect(secretSources(await agents.configDump())).toEqual([agentSource]);
      expect(agent.ends).toEqual([]);
      expect(agent.received).not.toContain('type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret');
      expect(await faultsOf(agents)).toEqual([]);
    },
    30_000,
  );
});

/** How Envoy shows the source of I60; a time of 0 is no limit. */
const agentSource = {
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
  },
  initial_fetch_timeout: '0s',
  resource_api_version: 'V3',
};

/** The different sources of secrets in a configuration. */
function secretSources(value: unknown): readonly unknown[] {
  const found = new Map<string, unknown>();
  const look = (each: unknown): void => {
    if (typeof each !== 'object' || each === null) return;
    for (const [key, inner] of Object.entries(each)) {
      if (key === 'sds_config') found.set(JSON.stringify(inner), inner);
      else look(inner);
    }
  };
  look(value);
  return [...found.values()];
}

async function faultsOf(started: Envoy): Promise<readonly string[]> {
  const stats = await started.text('/stats?filter=(update_rejected|init_fetch_timeout)$');
  return stats.split('\n').filter((line) => /: [1-9]/.test(line));
}
