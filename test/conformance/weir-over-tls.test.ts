import { Client, credentials } from '@grpc/grpc-js';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import type { Settings } from '../../src/app/settings.ts';
import { TlsFileError } from '../../src/app/tls-files.ts';
import { runWeir, type Addresses } from '../../src/app/weir.ts';
import { createLog } from '../../src/observe/log.ts';
import { decode, encode } from '../../src/xds/proto.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { Authority } from '../support/certificates.ts';

/** The whole of Weir, serving over TLS from files. */

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const authority = new Authority('mesh');
let folder: string;
let stop: AbortController;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-over-tls-'));
  await mkdir(join(folder, 'mesh'));
  const { key, certificate } = authority.issue('weir', 'weir.test');
  await writeFile(join(folder, 'key.pem'), key);
  await writeFile(join(folder, 'certificate.pem'), certificate);
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  stop = new AbortController();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function settingsWith(flags: Readonly<Record<string, string>>): Settings {
  const result = readConfig({
    flags: {
      files: join(folder, 'mesh'),
      admin: '127.0.0.1:0',
      xdsTls: '127.0.0.1:0',
      xdsTlsCert: join(folder, 'certificate.pem'),
      xdsTlsKey: join(folder, 'key.pem'),
      xdsTlsClientCa: join(folder, 'ca.pem'),
      ...flags,
    },
    environment: {},
  });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result.settings;
}

function run(flags: Readonly<Record<string, string>>, onReady: (addresses: Addresses) => void): Promise<void> {
  const log = createLog({ level: 'error', format: 'json', colours: false, now: Date.now, write: () => undefined });
  return runWeir(
    { settings: settingsWith(flags), cluster: undefined, variables: {}, version: '0', log, onReady },
    stop.signal,
  );
}

/** Asks for clusters as a proxy with a certificate does. Gives the type of the answer. */
async function ask(address: string): Promise<string | undefined> {
  const { key, certificate } = authority.issue('web', 'spiffe://cluster.local/ns/shop/sa/web');
  const pem = [authority.certificate, key, certificate].map((text) => Buffer.from(text));
  const client = new Client(address, credentials.createSsl(pem[0], pem[1], pem[2]), {
    'grpc.ssl_target_name_override': 'weir.test',
  });
  const same = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same);
  const answer = new Promise<Buffer>((resolve, reject) => call.on('data', resolve).on('error', reject));
  const node = { id: 'sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local' };
  const typeUrl = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
  call.write(Buffer.from(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', { node, typeUrl })));
  const { typeUrl: answered } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', await answer);
  call.on('error', () => undefined);
  call.cancel();
  client.close();
  return answered;
}

describe.each(transportKinds)('weir serve --xds-tls --xds-transport %s', (xdsTransport) => {
  it('serves a client that has a certificate', async () => {
    const ready = Promise.withResolvers<Addresses>();
    const ended = run({ xdsTransport }, ready.resolve);
    const { xdsTls = '' } = await ready.promise;
    expect(await ask(xdsTls)).toMatch(/Cluster$/);
    stop.abort();
    await ended;
  });
});

it('does not start with files of no use, and says which', async () => {
  await writeFile(join(folder, 'key.pem'), 'x');
  const started = run({}, () => expect.unreachable());
  await expect(started).rejects.toThrow(TlsFileError);
  await expect(started).rejects.toThrow(/key\.pem does not hold a private key/);
});
