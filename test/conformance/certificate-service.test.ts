import { X509Certificate } from 'node:crypto';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/identity/caller.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { certificateServicePath, createCertificate } from '../../src/xds/certificate-service.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { decode, encode } from '../../src/xds/proto.ts';
import { listen, type Listener } from '../../src/xds/transport/listener.ts';
import { defaultLimits, noConnectionObserver } from '../../src/xds/transport/protocol.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { anAuthority, signedOf, web, webUri } from '../support/authorities.ts';
import { aRequest, ecKey } from '../support/certificate-requests.ts';
import { realClock } from '../support/clocks.ts';

/** Istio's signing service as an agent calls it: gRPC over TLS, with the roots of the mesh and nothing else to trust. */

const caller: Caller = { ...web, by: 'kubernetes-token', expiresAt: Infinity };

describe.each(transportKinds)('istio-compat/I45: the signing service by %s', (kind) => {
  let listener: Listener | undefined;
  let client: Client | undefined;
  afterEach(async () => {
    client?.close();
    await listener?.close(AbortSignal.timeout(1_000));
  });

  async function start() {
    const authority = anAuthority();
    await authority.open();
    const own = signedOf(await authority.issueServer(['weir.weir-system.svc', '127.0.0.1']));
    const metrics = createMetrics({ version: '1', uptime: () => 1, processMetrics: false });
    const options = { authority, log: silentLog, metrics };
    listener = await listen({
      kind,
      address: '127.0.0.1:0',
      tls: { key: own.privateKey, certificate: own.chain.join(''), clientCa: authority.trustBundle },
      handlers: new Map([[certificateServicePath, (stream) => createCertificate(options, stream, caller)]]),
      limits: defaultLimits,
      clock: realClock,
      random: Math.random,
      observer: noConnectionObserver,
    });
    client = new Client(listener.address, credentials.createSsl(Buffer.from(authority.trustBundle)));
    return { authority, client };
  }

  function ask(to: Client, request: envoy.IstioCertificateRequest): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      to.makeUnaryRequest(
        certificateServicePath,
        (message: envoy.IstioCertificateRequest) =>
          Buffer.from(encode('istio.v1.auth.IstioCertificateRequest', message)),
        (bytes: Buffer) => decode('istio.v1.auth.IstioCertificateResponse', bytes),
        request,
        (error: ServiceError | null, response) => {
          if (error !== null) reject(error);
          else resolve(response?.certChain ?? []);
        },
      );
    });
  }

  it('istio-compat/I54, istio-compat/I27: signs for many callers at once, on a server that the roots of the mesh vouch for', async () => {
    const { authority, client: to } = await start();
    const keys = Array.from({ length: 20 }, () => ecKey());
    const chains = await Promise.all(keys.map((key) => ask(to, { csr: aRequest({ key }), validityDuration: 600 })));
    for (const [index, chain] of chains.entries()) {
      const leaf = new X509Certificate(chain[0] ?? '');
      expect(leaf.subjectAltName).toBe(`URI:${webUri}`);
      expect(leaf.checkPrivateKey(keys[index]!.privateKey)).toBe(true);
      expect(chain.at(-1)).toBe(authority.trustBundle);
    }
  });

  it('istio-compat/I49: says by a status why it does not sign', async () => {
    const { client: to } = await start();
    await expect(ask(to, { csr: 'none' })).rejects.toMatchObject({
      code: 3,
      details: 'the request is no PEM of a CERTIFICATE REQUEST',
    });
    await expect(ask(to, { csr: 'x'.repeat(100_000) })).rejects.toMatchObject({ code: 3 });
    // The connection is as good as before.
    expect(await ask(to, { csr: aRequest() })).toHaveLength(2);
  });
});
