import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { toJson } from '../../src/xds/json.ts';
import { ownCertificateSecret, trustBundleSecret } from '../../src/xds/names.ts';
import { pack } from '../../src/xds/proto.ts';
import type { Secret } from '../../src/xds/secrets.ts';
import { Authority, type Certificate } from '../support/certificates.ts';
import {
  aBootstrap,
  aCluster,
  aListener,
  anAssignment,
  aRouteTable,
  configSource,
  NamedUpstream,
} from '../support/envoy-resources.ts';
import { portOf } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';
import { aCaller, HandFedSecrets } from '../support/hand-fed-secrets.ts';
import { ServedMesh } from '../support/served-mesh.ts';
import { variants } from '../support/trace-rig.ts';

/**
 * A real Envoy with no agent beside it: what it presents and trusts comes over the stream. Its listener `plain` goes to its own listener
 * `tls`, so that both ends of a connection use the same two secrets.
 */

const binary = await envoyForTests();
const identity = 'spiffe://cluster.local/ns/shop/sa/web';

describe.skipIf(binary === undefined).each(variants.filter(({ isAds }) => isAds))(
  'a real Envoy with secrets over $wire (istio-compat/I66, xds-protocol/X307)',
  (variant) => {
    const authority = new Authority('one');
    const secrets = new HandFedSecrets();
    const source = configSource(variant);
    let served: ServedMesh;
    let upstream: NamedUpstream;
    let folder: string;
    let running: Envoy;

    const contexts = (): envoy.CommonTlsContext => ({
      tlsCertificateSdsSecretConfigs: [{ name: ownCertificateSecret, sdsConfig: source }],
      validationContextSdsSecretConfig: { name: trustBundleSecret, sdsConfig: source },
    });
    const until = (holds: () => Promise<boolean>): Promise<void> => running.until(holds, AbortSignal.timeout(8_000));

    beforeEach(async () => {
      [served, upstream, folder] = await Promise.all([
        ServedMesh.start({ secrets, caller: aCaller('web') }),
        NamedUpstream.start('one'),
        mkdtemp(join(tmpdir(), 'weir-secrets-')),
      ]);
      served.mesh.change((mesh) => {
        const tls = pack('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
          commonTlsContext: contexts(),
          requireClientCertificate: { value: true },
        });
        const transportSocket = { name: 'envoy.transport_sockets.tls', typedConfig: tls };
        mesh.put('cluster', 'a', aCluster('a', { source }), { children: ['a'] });
        mesh.put('endpoints', 'a', anAssignment('a', upstream.port));
        mesh.put('listener', 'tls', aListener('tls', 'r', { source, transportSocket }), {
          children: ['r'],
          secrets: [ownCertificateSecret, trustBundleSecret],
        });
        mesh.put('routes', 'r', aRouteTable('r', 'a'));
      });
      served.server.open();
      running = await Envoy.start({
        binary: binary ?? '',
        bootstrap: toJson('envoy.config.bootstrap.v3.Bootstrap', aBootstrap(served.address, variant)),
        name: 'envoy-secrets',
        logFile: join(folder, 'envoy.log'),
      });
    });

    afterEach(async () => {
      await running.stop();
      await served.close();
      upstream.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it('terminates and originates mTLS with them, and takes new ones while it runs', async () => {
      const first = authority.issue('web', identity);
      // What is not there yet keeps the listener warming and nothing else.
      await until(async () => (await running.stat('cluster_manager.warming_clusters')) === 0);
      secrets.give('trust-bundle', '', { kind: 'trust-bundle', certificates: authority.certificate });
      secrets.give('own-certificate', 'web', keyPair(first));
      await running.ready(AbortSignal.timeout(8_000));
      const port = await portOf(running, 'tls');
      expect(await presented(port, first, authority)).toBe(serialOf(first));

      served.mesh.change((mesh) => {
        const tls = pack('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
          commonTlsContext: contexts(),
        });
        const transportSocket = { name: 'envoy.transport_sockets.tls', typedConfig: tls };
        mesh.put('cluster', 'loop', aCluster('loop', { source, transportSocket }), {
          children: ['loop'],
          secrets: [ownCertificateSecret, trustBundleSecret],
        });
        mesh.put('endpoints', 'loop', anAssignment('loop', port));
        mesh.put('listener', 'plain', aListener('plain', 'out', { source }), { children: ['out'] });
        mesh.put('routes', 'out', aRouteTable('out', 'loop'));
      });
      await until(async () => (await portOf(running, 'plain')) > 0);
      const plain = await portOf(running, 'plain');
      await until(async () => (await (await fetch(`http://127.0.0.1:${plain}/`)).text()) === 'one');

      const second = authority.issue('web', identity);
      secrets.give('own-certificate', 'web', keyPair(second));
      await until(async () => (await presented(port, first, authority)) === serialOf(second));
      const other = new Authority('two');
      secrets.give('trust-bundle', '', {
        kind: 'trust-bundle',
        certificates: authority.certificate + other.certificate,
      });
      await until(async () => (await presented(port, other.issue('db', identity), authority)) === serialOf(second));
      expect(
        served.server
          .proxies()
          .flatMap(({ types }) => types)
          .filter(({ state }) => state !== 'synced'),
      ).toEqual([]);
      const dump = JSON.stringify(await running.configDump());
      expect(dump).toContain('dynamic_active_secrets');
    });
  },
);

function keyPair({ certificate, key }: Certificate): Secret {
  return { kind: 'key-pair', privateKey: key, chain: [certificate] };
}

function serialOf({ certificate }: Certificate): string {
  return new X509Certificate(certificate).serialNumber;
}

/** Serial of the certificate that a TLS server presents to a client, and takes the client's for; empty: it does not. */
function presented(port: number, client: Certificate, authority: Authority): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      key: client.key,
      cert: client.certificate,
      ca: authority.certificate,
      checkServerIdentity: () => undefined,
    });
    let serial = '';
    socket.on('secureConnect', () => {
      serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
      socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    });
    let answer = '';
    socket.on('data', (bytes) => (answer += bytes.toString()));
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(answer.startsWith('HTTP/1.1 200') ? serial : ''));
  });
}
