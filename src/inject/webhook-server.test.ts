import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { Authority } from '../../test/support/certificates.ts';
import { listenForReviews, WebhookListenError, type WebhookServer } from './webhook-server.ts';

const [before, after] = [new Authority('before'), new Authority('after')];
const servers: WebhookServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function aServer(port = 0): Promise<WebhookServer> {
  const server = await listenForReviews({
    host: '127.0.0.1',
    port,
    identity: before.issue('weir', '127.0.0.1'),
    reviews: new Map(),
    observer: { malformed: () => undefined, failed: () => undefined },
  });
  servers.push(server);
  return server;
}

/** Who signed the certificate that a new connection is shown. */
async function issuerAt(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: [before.certificate, after.certificate] });
  await once(socket, 'secureConnect');
  const { issuer } = socket.getPeerCertificate();
  socket.destroy();
  return String(issuer.CN);
}

it('shows a renewed certificate to new connections, without a restart', async () => {
  const server = await aServer();
  expect(await issuerAt(server.port)).toBe('before');
  server.replaceIdentity(after.issue('weir', '127.0.0.1'));
  expect(await issuerAt(server.port)).toBe('after');
});

it('says which address is taken', async () => {
  const { port } = await aServer();
  await expect(aServer(port)).rejects.toThrow(WebhookListenError);
  await expect(aServer(port)).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
});
