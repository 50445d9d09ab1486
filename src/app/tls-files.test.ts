import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../../test/support/certificates.ts';
import { realClock } from '../../test/support/clocks.ts';
import { followTlsFiles, readTlsFiles, TlsFileError, type TlsFiles } from './tls-files.ts';

const authority = new Authority('mesh');
let folder: string;
let files: TlsFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-tls-files-'));
  files = {
    key: join(folder, 'key.pem'),
    certificate: join(folder, 'certificate.pem'),
    clientCa: join(folder, 'ca.pem'),
  };
  await write(authority.issue('weir', 'weir.test'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function write({ key, certificate }: { readonly key: string; readonly certificate: string }): Promise<void> {
  await writeFile(files.key, key);
  await writeFile(files.certificate, certificate);
  await writeFile(files.clientCa, authority.certificate);
}

describe('files that are of no use are named, with what to do', () => {
  it.each<[string, () => Promise<void>, RegExp]>([
    ['a missing one', () => rm(files.key), /key\.pem cannot be read: .*ENOENT/],
    ['no certificate', () => writeFile(files.certificate, 'x'), /certificate\.pem does not hold a certificate in PEM/],
    ['no key', () => writeFile(files.key, 'x'), /key\.pem does not hold a private key without a password in PEM/],
    ['no authority', () => writeFile(files.clientCa, ''), /ca\.pem does not hold certificates of authorities in PEM/],
    [
      'a key of another certificate',
      () => writeFile(files.key, authority.issue('other', 'other.test').key),
      /the key in .*key\.pem does not belong to the certificate in .*certificate\.pem/,
    ],
  ])('%s', async (_, damage, message) => {
    await damage();
    await expect(readTlsFiles(files)).rejects.toThrow(TlsFileError);
    await expect(readTlsFiles(files)).rejects.toThrow(message);
  });
});

it('takes over what is written later, and nothing that is half written', async () => {
  const found: (string | undefined)[] = [];
  const waiting: (() => void)[] = [];
  const note = (what: string | undefined): void => {
    found.push(what);
    waiting.shift()?.();
  };
  const next = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const stop = followTlsFiles({
    read: () => readTlsFiles(files),
    identity: await readTlsFiles(files),
    interval: 10,
    clock: realClock,
    changed: ({ certificate }) => note(certificate),
    failed: () => note(undefined),
  });
  const renewed = authority.issue('weir', 'weir.test');
  const failed = next();
  await writeFile(files.key, renewed.key);
  await failed;
  const changed = next();
  await writeFile(files.certificate, renewed.certificate);
  await changed;
  stop();
  expect(found[0]).toBeUndefined();
  expect(found.at(-1)).toBe(renewed.certificate);
});
