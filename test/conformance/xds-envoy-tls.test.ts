import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { toJson } from '../../src/xds/json.ts';
import { pack } from '../../src/xds/proto.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { Authority } from '../support/certificates.ts';
import { aCluster, aBootstrap, anAssignment } from '../support/envoy-resources.ts';
import { envoyForTests } from '../support/envoy.ts';
import { ServedMesh } from '../support/served-mesh.ts';

/** A real Envoy that gets its configuration over TLS and shows a certificate. */

const binary = await envoyForTests();

describe.skipIf(binary === undefined).each(transportKinds)('a real Envoy over TLS, served by %s', (transport) => {
  const authority = new Authority('mesh');
  let served: ServedMesh;
  let folder: string;
  let envoy: Envoy | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-tls-'));
    served = await ServedMesh.start({
      transport,
      tls: { ...authority.issue('weir', 'weir.test'), clientCa: authority.certificate },
    });
    served.server.open();
  });

  afterEach(async () => {
    await envoy?.stop();
    await served.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The bootstrap of every test, with TLS below it. */
  async function start(client: { readonly certificate: string; readonly key: string }): Promise<Envoy> {
    const place = (name: string): string => join(folder, name);
    await Promise.all([
      writeFile(place('ca.pem'), authority.certificate),
      writeFile(place('certificate.pem'), client.certificate),
      writeFile(place('key.pem'), client.key),
    ]);
    const plain = aBootstrap(served.address, { wire: 'delta', isAds: true });
    const certificates = [
      { certificateChain: { filename: place('certificate.pem') }, privateKey: { filename: place('key.pem') } },
    ];
    const validationContext = {
      trustedCa: { filename: place('ca.pem') },
      matchTypedSubjectAltNames: [{ sanType: 'DNS' as const, matcher: { exact: 'weir.test' } }],
    };
    const transportSocket = {
      name: 'envoy.transport_sockets.tls',
      typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
        sni: 'weir.test',
        commonTlsContext: { tlsCertificates: certificates, validationContext },
      }),
    };
    const clusters = plain.staticResources?.clusters?.map((cluster) => ({ ...cluster, transportSocket })) ?? [];
    const bootstrap = toJson('envoy.config.bootstrap.v3.Bootstrap', { ...plain, staticResources: { clusters } });
    envoy = await Envoy.start({ binary: binary ?? '', bootstrap, name: 'envoy-tls', logFile: place('envoy.log') });
    return envoy;
  }

  it('is served when its certificate is trusted (hot-path/H706, xds-protocol/X308)', async () => {
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'a', aCluster('a'), { children: ['a'] });
      mesh.put('endpoints', 'a', anAssignment('a', 1));
    });
    const trusted = await start(authority.issue('web', 'spiffe://cluster.local/ns/shop/sa/web'));
    await trusted.ready(AbortSignal.timeout(8_000));
    expect(await trusted.hostsOf('a')).toEqual(['127.0.0.1:1']);
    expect(served.server.proxies()).toMatchObject([
      { certificate: { uris: ['spiffe://cluster.local/ns/shop/sa/web'] } },
    ]);
  });

  it('is not served when it is not (reliability/S42)', async () => {
    const stranger = await start(new Authority('elsewhere').issue('web', 'spiffe://cluster.local/ns/shop/sa/web'));
    await stranger.until(
      async () =>
        (await stranger.stat('cluster.xds.upstream_cx_connect_fail')) +
          (await stranger.stat('cluster.xds.upstream_cx_destroy')) >
        0,
      AbortSignal.timeout(8_000),
    );
    expect(served.server.size.streams).toBe(0);
    expect(await stranger.stat('control_plane.connected_state')).toBe(0);
  });
});
