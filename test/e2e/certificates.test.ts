import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import type { CertificateSubject, KeyAndCertificate } from '../../src/identity/certificate-authority.ts';
import type { StoredAuthority } from '../../src/identity/stored-authority.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { toJson } from '../../src/xds/json.ts';
import { pack } from '../../src/xds/proto.ts';
import { anAuthority, signedOf, web, webUri } from '../support/authorities.ts';
import { envoyForTests } from '../support/envoy.ts';

/** What Weir signs, in the hands of a real Envoy: as its own certificate, and as those of its clients. */

const binary = await envoyForTests();

function subject(serviceAccount: string): CertificateSubject {
  return { ...web, identity: { ...web.identity, serviceAccount } };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Answers 200 to whoever has a certificate of `web`. */
function bootstrap(port: number, own: KeyAndCertificate, trustBundle: string): envoy.Bootstrap {
  const commonTlsContext = {
    tlsCertificates: [
      { certificateChain: { inlineString: own.chain.join('') }, privateKey: { inlineString: own.privateKey } },
    ],
    validationContext: {
      trustedCa: { inlineString: trustBundle },
      matchTypedSubjectAltNames: [{ sanType: 'URI' as const, matcher: { exact: webUri } }],
    },
  };
  const manager = pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    statPrefix: 'web',
    routeConfig: {
      virtualHosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, directResponse: { status: 200 } }] },
      ],
    },
    httpFilters: [
      {
        name: 'envoy.filters.http.router',
        typedConfig: pack('envoy.extensions.filters.http.router.v3.Router', {}),
      },
    ],
  });
  const transportSocket = {
    name: 'envoy.transport_sockets.tls',
    typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
      commonTlsContext,
      requireClientCertificate: { value: true },
    }),
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typedConfig: manager }];
  return {
    admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
    staticResources: {
      listeners: [
        {
          name: 'web',
          address: { socketAddress: { address: '127.0.0.1', portValue: port } },
          filterChains: [{ filters, transportSocket }],
        },
      ],
    },
  };
}

describe.skipIf(binary === undefined)('a real Envoy with certificates of Weir', () => {
  let authority: StoredAuthority;
  let running: Envoy | undefined;
  let folder = '';
  let port = 0;

  beforeAll(async () => {
    authority = anAuthority();
    await authority.open();
    folder = await mkdtemp(join(tmpdir(), 'weir-certificates-'));
    port = await freePort();
    const own = signedOf(await authority.issue(subject('server')));
    const config = toJson('envoy.config.bootstrap.v3.Bootstrap', bootstrap(port, own, authority.trustBundle));
    const options = { binary: binary ?? '', bootstrap: config, name: 'envoy-certificates' };
    running = await Envoy.start({ ...options, logFile: join(folder, 'envoy.log') });
    await running.ready(AbortSignal.timeout(8_000));
  });

  afterAll(async () => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The status that a client with that certificate is answered, and who answered; or how the connection failed. */
  function ask({ privateKey, chain }: KeyAndCertificate): Promise<string> {
    return new Promise((resolve) => {
      let server = '';
      const call = request(
        {
          ...{ host: '127.0.0.1', port, method: 'GET', path: '/', agent: false },
          ...{ key: privateKey, cert: chain.join(''), ca: authority.trustBundle },
          // The name of the server is its URI: Node knows names of hosts only.
          checkServerIdentity: (_, { subjectaltname = '' }) => {
            server = subjectaltname;
            return undefined;
          },
        },
        (response) => {
          response.resume();
          resolve(`${response.statusCode} by ${server}`);
        },
      );
      call.on('error', () => resolve('refused'));
      call.end();
    });
  }

  it('istio-compat/I53: serves a workload by its certificate, and shows its own', async () => {
    const client = signedOf(await authority.issue(subject('web')));
    expect(await ask(client)).toBe('200 by URI:spiffe://cluster.local/ns/shop/sa/server');
  });

  it('istio-compat/I53: does not take another workload for it, nor the same name from elsewhere', async () => {
    expect(await ask(signedOf(await authority.issue(subject('other'))))).toBe('refused');
    const elsewhere = anAuthority();
    await elsewhere.open();
    expect(await ask(signedOf(await elsewhere.issue(subject('web'))))).toBe('refused');
  });
});
