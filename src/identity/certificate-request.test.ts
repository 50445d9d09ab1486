import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { webUri } from '../../test/support/authorities.ts';
import {
  alternativeNames,
  aRequest,
  constraints,
  dnsName,
  ecKey,
  extension,
  ipName,
  mailName,
  uriName,
} from '../../test/support/certificate-requests.ts';
import { largestRequest, readRequest } from './certificate-request.ts';
import { readPem, writePem } from './pem.ts';

const usual = aRequest();

function rsaKey(modulusLength: number, publicExponent = 65_537) {
  return generateKeyPairSync('rsa', { modulusLength, publicExponent });
}

/** A request by openssl, in which more is possible than Node makes keys for. */
function byOpenssl(...keyArguments: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'request-'));
  try {
    const [key, request] = [join(directory, 'key.pem'), join(directory, 'request.pem')];
    execFileSync('openssl', [...keyArguments, '-out', key], { stdio: 'pipe' });
    execFileSync('openssl', ['req', '-new', '-key', key, '-subj', '/CN=admin', '-out', request], { stdio: 'pipe' });
    return readFileSync(request, 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a request that is taken', () => {
  it.each([
    ['P-256', () => usual],
    ['P-384 with SHA-384', () => aRequest({ key: ecKey('P-384'), hash: 'sha384' })],
    ['P-521 with SHA-512', () => aRequest({ key: ecKey('P-521'), hash: 'sha512' })],
    ['RSA of 2048 bits', () => aRequest({ key: rsaKey(2048) })],
    [
      'RSA of 3072 bits, by openssl',
      () => byOpenssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'),
    ],
  ])('istio-compat/I53, reliability/S63: %s', async (_, request) => {
    expect(await readRequest(request(), webUri)).toMatchObject({ kind: 'valid' });
  });

  it.each([
    ['no name', []],
    ['exactly the identity', [[alternativeNames(uriName(webUri))]]],
    ['no authority, in so many words', [[constraints(false)]]],
  ])('reliability/S61: %s', async (_, asking) => {
    expect(await readRequest(aRequest({ asking }), webUri)).toMatchObject({ kind: 'valid' });
  });

  it('gives its public key', async () => {
    const key = ecKey();
    const reading = await readRequest(aRequest({ key }), webUri);
    expect(reading).toEqual({ kind: 'valid', publicKey: key.publicKey.export({ type: 'spki', format: 'der' }) });
  });
});

const other = 'spiffe://cluster.local/ns/shop/sa/admin';

describe('a request that is refused', () => {
  it.each([
    ['reliability/S61: the identity of another', [[alternativeNames(uriName(other))]]],
    ['reliability/S61: its own identity and another', [[alternativeNames(uriName(webUri), uriName(other))]]],
    ['reliability/S61: its own identity twice', [[alternativeNames(uriName(webUri), uriName(webUri))]]],
    [
      'reliability/S61: its own identity and a host',
      [[alternativeNames(uriName(webUri), dnsName('weir.weir-system.svc'))]],
    ],
    ['reliability/S61: a host', [[alternativeNames(dnsName('istiod.istio-system.svc'))]]],
    ['reliability/S61: its own identity as a host', [[alternativeNames(dnsName(webUri))]]],
    ['reliability/S61: an address', [[alternativeNames(ipName(10, 0, 0, 1))]]],
    ['reliability/S61: an address of mail', [[alternativeNames(mailName('a@b.c'))]]],
    ['reliability/S61: no name at all in a list of names', [[alternativeNames()]]],
    ['reliability/S61: its own identity with something behind it', [[alternativeNames(uriName(`${webUri}/`))]]],
    ['reliability/S61: its own identity with a NUL behind it', [[alternativeNames(uriName(`${webUri}\0`))]]],
    ['reliability/S61: its own identity in other letters', [[alternativeNames(uriName(webUri.toUpperCase()))]]],
    [
      'reliability/S61: the identity of another trust domain',
      [[alternativeNames(uriName(webUri.replace('cluster', 'other')))]],
    ],
    [
      'reliability/S61: names in two extensions',
      [[alternativeNames(uriName(webUri)), alternativeNames(uriName(other))]],
    ],
    [
      'reliability/S61: names in two attributes',
      [[alternativeNames(uriName(webUri))], [alternativeNames(uriName(other))]],
    ],
    ['reliability/S61: names that are none', [[extension('2.5.29.17', Uint8Array.of(4, 1, 7).buffer)]]],
    ['reliability/S62: an authority', [[constraints(true)]]],
    ['reliability/S62: an authority, beside a right name', [[alternativeNames(uriName(webUri)), constraints(true)]]],
  ])('%s', async (_, asking) => {
    expect(await readRequest(aRequest({ asking }), webUri)).toMatchObject({ kind: 'invalid' });
  });

  it.each([
    ['reliability/S63: RSA of 1024 bits', () => aRequest({ key: rsaKey(1024) })],
    ['reliability/S63: RSA with an exponent of 3', () => aRequest({ key: rsaKey(2048, 3) })],
    ['reliability/S63: a smaller curve', () => aRequest({ key: ecKey('P-224') })],
    ['reliability/S63: a curve of others', () => aRequest({ key: ecKey('secp256k1') })],
    ['reliability/S63: an Edwards curve', () => aRequest({ key: generateKeyPairSync('ed25519') })],
    [
      'reliability/S63: a curve that is spelled out',
      () => byOpenssl('ecparam', '-name', 'prime256v1', '-param_enc', 'explicit', '-genkey', '-noout'),
    ],
    ['reliability/S63: signed with SHA-1', () => aRequest({ hash: 'sha1' })],
  ])('%s', async (_, request) => {
    expect(await readRequest(request(), webUri)).toMatchObject({ kind: 'invalid' });
  });

  it.each([
    ['signed by another key', () => aRequest({ signingKey: ecKey().privateKey })],
    ['signed by a key of another kind', () => aRequest({ signingKey: rsaKey(2048).privateKey })],
    ['changed after it was signed', () => changed(usual)],
    ['of another version', () => aRequest({ version: 1 })],
    ['with something behind its end', () => aRequest({ trailing: Uint8Array.of(5, 0) })],
    ['two at once', () => usual + aRequest()],
    ['a certificate', () => aRequest({ label: 'CERTIFICATE' })],
    ['a private key', () => ecKey().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['nothing', () => ''],
    ['no PEM', () => 'let me in'],
    ['PEM of nothing', () => writePem('CERTIFICATE REQUEST', new Uint8Array(0))],
    ['sequences in sequences without end', () => writePem('CERTIFICATE REQUEST', nested(5_000))],
  ])('istio-compat/I50: %s', async (_, request) => {
    expect(await readRequest(request(), webUri)).toMatchObject({ kind: 'invalid' });
  });

  it('reliability/S64: larger than 16 kB, whatever it is', async () => {
    const padded = usual + ' '.repeat(largestRequest - usual.length);
    expect(await readRequest(padded, webUri)).toMatchObject({ kind: 'valid' });
    expect(await readRequest(`${padded} `, webUri)).toEqual({ kind: 'invalid', reason: 'is larger than 16384 bytes' });
  });
});

describe('reliability/R72: whatever is sent', () => {
  it('gets an answer, and nothing but the key that was signed is taken', async () => {
    const [block] = readPem(usual);
    const whole = block?.bytes ?? Buffer.alloc(0);
    const taken = await readRequest(usual, webUri);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(whole.length),
        async (edits, length) => {
          const bytes = Buffer.from(whole);
          for (const [index, value] of edits) bytes[index] = value;
          const sent = bytes.subarray(0, length < 8 ? whole.length - length : whole.length);
          const reading = await readRequest(writePem('CERTIFICATE REQUEST', sent), webUri);
          if (reading.kind === 'valid') expect(reading).toEqual(taken);
        },
      ),
      { seed: 20_261_121, numRuns: 250 },
    );
  });

  it('gets an answer when it is no PEM', async () => {
    const part = fc.oneof(
      fc.constantFrom('-----BEGIN ', '-----END ', 'CERTIFICATE REQUEST', '-----', '\n', 'MIIB', '=', '\0'),
      fc.string({ maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 40 }), async (parts) => {
        expect(await readRequest(parts.join(''), webUri)).toMatchObject({ kind: 'invalid' });
      }),
      { seed: 20_261_121, numRuns: 400 },
    );
  });
});

/** The same request, for another key: of the same length, so that all of its form is right. */
function changed(pem: string): string {
  const [block] = readPem(pem);
  const bytes = Buffer.from(block?.bytes ?? []);
  const point = bytes.indexOf(Buffer.of(0x03, 0x42, 0x00, 0x04)) + 4;
  const [another] = readPem(aRequest({ key: ecKey() }));
  another?.bytes.copy(bytes, point, another.bytes.indexOf(Buffer.of(0x03, 0x42, 0x00, 0x04)) + 4, point + 64);
  return writePem('CERTIFICATE REQUEST', bytes);
}

function nested(depth: number): Uint8Array {
  return Buffer.alloc(depth * 2, Buffer.of(0x30, 0x80));
}
