import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import * as asn1js from 'asn1js';
import { CertificationRequest, Extensions, GeneralNames, type Extension, BasicConstraints } from 'pkijs';
import { describeError } from '../observe/log.ts';
import { readPem } from './pem.ts';

/** A request for a certificate (PKCS #10, RFC 2986) and what may be in it (reliability S61 to S64). Nothing of it is believed but its public key. */

/** Characters; looked at before anything is parsed (S64). */
export const largestRequest = 16 * 1024;

export type RequestReading =
  /** DER of the public key, as this process would write it. */
  | { readonly kind: 'valid'; readonly publicKey: Uint8Array }
  /** What is wrong, as the end of a sentence that begins with "the request". */
  | { readonly kind: 'invalid'; readonly reason: string };

/** What makes a request useless; does not leave this file. */
class Objection extends Error {
  override readonly name = 'Objection';
}

const labels: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);
const extensionRequest = '1.2.840.113549.1.9.14';
const subjectAltName = '2.5.29.17';
const basicConstraints = '2.5.29.19';
const uriName = 6;
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
/** Bits. Beyond the upper one a request would be a way to keep the processor busy. */
const rsaBits = { least: 2048, most: 8192 } as const;
const rsaExponent = 65_537n;

/** Signature algorithms by their object identifier. */
const signatures: ReadonlyMap<string, { readonly key: 'rsa' | 'ec'; readonly hash: string }> = new Map([
  ['1.2.840.113549.1.1.11', { key: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { key: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { key: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { key: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { key: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { key: 'ec', hash: 'sha512' }],
]);

const verifySignature = promisify(verify);

/**
 * Reads a request and verifies that whoever made it has its key. The work on the key is done outside the event loop.
 *
 * @param pem one request, and nothing else
 * @param uri the identity of the caller: the only name that the request may ask for (S61)
 */
export async function readRequest(pem: string, uri: string): Promise<RequestReading> {
  if (pem.length > largestRequest) return invalid(`is larger than ${largestRequest} bytes`);
  try {
    const request = parse(pem);
    checkNames(requestedExtensions(request), uri);
    const key = keyOf(request);
    if (!(await isSignedBy(request, key))) return invalid('is not signed by the key that it is for');
    return { kind: 'valid', publicKey: key.export({ type: 'spki', format: 'der' }) };
  } catch (error) {
    // A parser that throws, or that runs out of stack, has met a request that is none.
    return invalid(error instanceof Objection ? error.message : `cannot be read: ${describeError(error)}`);
  }
}

function invalid(reason: string): RequestReading {
  return { kind: 'invalid', reason };
}

function parse(pem: string): CertificationRequest {
  const [block, ...others] = readPem(pem);
  if (block === undefined || !labels.has(block.label)) throw new Objection('is no PEM of a CERTIFICATE REQUEST');
  if (others.length > 0) throw new Objection('holds more than one block of PEM');
  const bytes = Uint8Array.from(block.bytes);
  const { offset, result } = asn1js.fromBER(bytes);
  if (offset === -1) throw new Objection('is not ASN.1');
  if (offset !== bytes.length) throw new Objection('has something behind its end');
  const request = new CertificationRequest({ schema: result });
  if (request.version !== 0) throw new Objection('has another version than 1');
  return request;
}

function requestedExtensions({ attributes = [] }: CertificationRequest): readonly Extension[] {
  const [values, ...others] = attributes.filter(({ type }) => type === extensionRequest).map((each) => each.values);
  if (values === undefined) return [];
  if (others.length > 0 || values.length !== 1) throw new Objection('asks for extensions more than once');
  const { extensions } = new Extensions({ schema: values[0] });
  if (new Set(extensions.map(({ extnID }) => extnID)).size !== extensions.length) {
    throw new Objection('asks for an extension twice');
  }
  return extensions;
}

function checkNames(extensions: readonly Extension[], uri: string): void {
  for (const { extnID, extnValue } of extensions) {
    const content = (): asn1js.AsnType => asn1js.fromBER(extnValue.valueBlock.valueHexView).result;
    if (extnID === basicConstraints && new BasicConstraints({ schema: content() }).cA) {
      throw new Objection('asks for a certificate of an authority');
    }
    if (extnID !== subjectAltName) continue;
    const { names } = new GeneralNames({ schema: content() });
    const [name, ...others] = names;
    if (others.length > 0 || name?.type !== uriName || name.value !== uri) {
      throw new Objection(`asks for other names than ${uri}, which is who its sender is`);
    }
  }
}

function keyOf({ subjectPublicKeyInfo }: CertificationRequest): KeyObject {
  const { algorithmParams } = subjectPublicKeyInfo.algorithm;
  const der = Buffer.from(subjectPublicKeyInfo.toSchema().toBER());
  const key = createPublicKey({ key: der, type: 'spki', format: 'der' });
  const { namedCurve = '', modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      // Parameters that are spelled out may describe another curve than the one that they resemble.
      if (!(algorithmParams instanceof asn1js.ObjectIdentifier) || !curves.has(namedCurve)) {
        throw new Objection('has a key on another curve than P-256, P-384 and P-521');
      }
      return key;
    case 'rsa':
      if (modulusLength < rsaBits.least || modulusLength > rsaBits.most) {
        throw new Objection(
          `has an RSA key of ${modulusLength} bits: from ${rsaBits.least} to ${rsaBits.most} are taken`,
        );
      }
      if (publicExponent !== rsaExponent) throw new Objection(`has an RSA key whose exponent is not ${rsaExponent}`);
      return key;
    default:
      throw new Objection('has a key that is neither RSA nor on one of the curves P-256, P-384 and P-521');
  }
}

async function isSignedBy(request: CertificationRequest, key: KeyObject): Promise<boolean> {
  const { signatureAlgorithm, signatureValue, tbsView } = request;
  const signature = signatures.get(signatureAlgorithm.algorithmId);
  if (signature === undefined || signature.key !== key.asymmetricKeyType) {
    throw new Objection(
      'is signed by another algorithm than RSA (PKCS #1 v1.5) or ECDSA with SHA-256, SHA-384 or SHA-512',
    );
  }
  return verifySignature(signature.hash, tbsView, key, signatureValue.valueBlock.valueHexView);
}
