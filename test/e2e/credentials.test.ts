import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { encode } from '../../src/xds/proto.ts';
import { Authority } from '../support/certificates.ts';
import { envoyForTests } from '../support/envoy.ts';
import { TlsXdsServer } from '../support/tls-xds-server.ts';

/** A stock Envoy and the bootstrap that `weir bootstrap` writes, with no other process beside it, shows who it is. */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const envoy = await envoyForTests();

describe.skipIf(envoy === undefined)('a stock Envoy', () => {
  const stops: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** A server for `127.0.0.1` and an Envoy that knows its authority. */
  async function start(credentials: (write: (name: string, text: string) => string, authority: Authority) => string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'weir-credentials-'));
    stops.push(() => rmSync(folder, { recursive: true, force: true }));
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const authority = new Authority('root');
    const server = await TlsXdsServer.start(authority.issue('weir', '127.0.0.1'));
    stops.push(() => server.close());
    const { stdout } = await promisify(execFile)(launcher, [
      ...['bootstrap', '--workload', 'web-1', '--namespace', 'shop', '--ip', '10.0.0.7', '--admin-port', '0'],
      ...['--xds', `127.0.0.1:${server.port}`, '--root-certificate', write('root.pem', authority.certificate)],
      ...credentials(write, authority),
    ]);
    const bootstrap: unknown = JSON.parse(stdout);
    const started = await Envoy.start({
      binary: envoy ?? '',
      bootstrap,
      name: 'envoy',
      logFile: join(folder, 'envoy.log'),
    });
    stops.push(() => started.stop());
    return { server, write };
  }

  it('sends the token of its file over TLS, and reads it again for the next stream (xds-protocol/X308)', async () => {
    const { server, write } = await start((put) => ['--token-file', put('token', 'first')]);
    const before = await server.stream();
    expect(before.authorization).toBe('Bearer first');
    write('token', 'second');
    before.end();
    expect((await server.stream()).authorization).toBe('Bearer second');
  });

  it('takes a response of 16 MB (xds-protocol/X309)', async () => {
    const { server } = await start((put) => ['--token-file', put('token', 'first')]);
    const stream = await server.stream();
    await stream.message();
    const typeUrl = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
    stream.send(
      encode('envoy.service.discovery.v3.DeltaDiscoveryResponse', {
        typeUrl,
        nonce: '1',
        systemVersionInfo: 'x'.repeat(16 * 1024 * 1024),
      }),
    );
    // Its ACK: a message that is too large ends the stream instead.
    await stream.message();
  });

  it('shows a client certificate', async () => {
    const { server } = await start((put, authority) => {
      const { certificate, key } = authority.issue('web-1');
      return ['--client-certificate', put('c.pem', certificate), '--client-key', put('k.pem', key)];
    });
    expect(await server.stream()).toMatchObject({ subject: 'web-1', authorization: undefined });
  });
});
