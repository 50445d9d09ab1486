import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeRoot } from '../../src/identity/make-root.ts';
import { JoinedMesh } from '../support/joined-mesh.ts';
import { until } from '../support/test-mesh.ts';

/** What an authority of the user's own is, in the directory where Weir looks for it. */
function files({ certificate, key }: Awaited<ReturnType<typeof makeRoot>>, ...olderRoots: readonly string[]) {
  return {
    'root-cert.pem': [certificate, ...olderRoots].join(''),
    'ca-cert.pem': certificate,
    'ca-key.pem': key,
  };
}

/** Whether a client that trusts this root alone takes the server for Weir. */
function isTrusted(address: string, ca: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), ca, ALPNProtocols: ['h2'] }, () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}

describe('the certificate of xDS over TLS', () => {
  it('is replaced when the root is, without a restart (istio-compat/I27)', async () => {
    const [before, after] = [await makeRoot(Date.now()), await makeRoot(Date.now())];
    const mesh = await JoinedMesh.start('', files(before));
    try {
      expect(await isTrusted(mesh.xds, before.certificate)).toBe(true);
      expect(await isTrusted(mesh.xds, after.certificate)).toBe(false);
      for (const [name, text] of Object.entries(files(after, before.certificate))) {
        await mesh.write(`ca/${name}`, text);
      }
      await until('the certificate', () => isTrusted(mesh.xds, after.certificate));
      expect(await isTrusted(mesh.xds, before.certificate)).toBe(false);
    } finally {
      await mesh.stop();
    }
  }, 30_000);
});
