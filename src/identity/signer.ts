import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { Certificate } from 'pkijs';
import { describeError } from '../observe/log.ts';
import type { Issuer, Validity } from './certificate-form.ts';
import { readPem, writePem } from './pem.ts';

/** A key that signs, what stands between its certificate and a root, and the roots that peers are to trust. */

export interface Signer {
  readonly issuer: Issuer;
  /** PEM: the certificate of the key and those above it, no root. Empty where a root signs itself. */
  readonly intermediates: readonly string[];
  /** PEM of the certificate of the key. */
  readonly certificate: string;
  /** In which all of the chain holds, its root included. */
  readonly validity: Validity;
  /** Hexadecimal. */
  readonly serial: string;
}

export interface SignerFiles {
  /** PEM of a certificate. */
  readonly certificate: string;
  /** PEM, without a password. */
  readonly key: string;
  /** PEM of what stands above it, in any order; roots and the certificate itself may be among them. */
  readonly chain: string;
  /** PEM of the roots. */
  readonly roots: string;
}

/** An authority is not what it should be. The message says what, and what to do. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}

/** Certificates above one another. More are no chain of anybody. */
const longestChain = 8;

/** @throws AuthorityError */
export function readSigner(files: SignerFiles): Signer {
  try {
    return signerOf(files);
  } catch (error) {
    if (error instanceof AuthorityError) throw error;
    throw new AuthorityError(`the authority cannot be used: ${describeError(error)}`, { cause: error });
  }
}

function signerOf({ certificate, key, chain, roots }: SignerFiles): Signer {
  const [own, ...others] = certificatesIn('ca-cert.pem', certificate);
  if (own === undefined || others.length > 0) throw new AuthorityError('ca-cert.pem must hold exactly one certificate');
  checkAuthority('ca-cert.pem', own);
  const privateKey = parsed('ca-key.pem is no private key without a password, in PEM', () => createPrivateKey(key));
  if (!own.checkPrivateKey(privateKey)) {
    throw new AuthorityError('the key in ca-key.pem does not belong to the certificate in ca-cert.pem');
  }
  const trusted = certificatesIn('root-cert.pem', roots);
  const path = pathToRoot(own, certificatesIn('cert-chain.pem', chain), trusted);
  return {
    issuer: { certificate: Certificate.fromBER(Uint8Array.from(own.raw)), ...signingKey(privateKey) },
    intermediates: path.filter((each) => !isRoot(each)).map(pemOf),
    certificate: pemOf(own),
    validity: {
      notBefore: Math.max(...path.map(({ validFromDate }) => validFromDate.getTime())),
      notAfter: Math.min(...path.map(({ validToDate }) => validToDate.getTime())),
    },
    serial: own.serialNumber,
  };
}

/** @throws AuthorityError */
function certificatesIn(name: string, pem: string): readonly X509Certificate[] {
  return readPem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ bytes }) => parsed(`${name} holds a certificate that cannot be read`, () => new X509Certificate(bytes)));
}

/** From the certificate up to a root, both included. */
function pathToRoot(
  own: X509Certificate,
  above: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): readonly X509Certificate[] {
  const path = [own];
  for (let last = own; !isRoot(last) && path.length < longestChain; path.push(last)) {
    const next = [...trusted, ...above].find((each) => last.checkIssued(each) && last.verify(each.publicKey));
    if (next === undefined) {
      throw new AuthorityError(
        `nothing in cert-chain.pem and root-cert.pem has signed ${subjectOf(last)}: put the missing certificate there`,
      );
    }
    checkAuthority('cert-chain.pem', next);
    last = next;
  }
  const top = path.at(-1) ?? own;
  if (trusted.some(({ fingerprint256 }) => fingerprint256 === top.fingerprint256)) return path;
  throw new AuthorityError(
    `root-cert.pem must hold the root that stands above ca-cert.pem, ${subjectOf(top)}, or no peer trusts what is signed`,
  );
}

function checkAuthority(name: string, certificate: X509Certificate): void {
  if (certificate.ca) return;
  throw new AuthorityError(`${name}: ${subjectOf(certificate)} is no certificate of an authority (CA:TRUE)`);
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function signingKey(key: KeyObject): Pick<Issuer, 'key' | 'hash'> {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const ecdsa = (curve: string): Issuer['key'] =>
    key.toCryptoKey({ name: 'ECDSA', namedCurve: curve }, false, ['sign']);
  switch (namedCurve) {
    case 'prime256v1':
      return { key: ecdsa('P-256'), hash: 'SHA-256' };
    case 'secp384r1':
      return { key: ecdsa('P-384'), hash: 'SHA-384' };
    case 'secp521r1':
      return { key: ecdsa('P-521'), hash: 'SHA-512' };
    case undefined:
      break;
    default:
      throw new AuthorityError(`the key in ca-key.pem is on the curve ${namedCurve}: P-256, P-384 and P-521 are taken`);
  }
  if (key.asymmetricKeyType !== 'rsa' || modulusLength < 2048) {
    throw new AuthorityError('the key in ca-key.pem is neither RSA of at least 2048 bits nor on P-256, P-384 or P-521');
  }
  return { key: key.toCryptoKey({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']), hash: 'SHA-256' };
}

/** Weir's own roots and those that were put beside them, each once. @throws AuthorityError */
export function trustedRoots(own: string, further: string): readonly X509Certificate[] {
  const all = [...certificatesIn('the roots of Weir', own), ...certificatesIn('root-cert.pem', further)];
  return [...new Map(all.map((root) => [root.fingerprint256, root])).values()];
}

/** PEM of all, one behind the other. */
export function bundleOf(roots: readonly X509Certificate[]): string {
  return roots.map(pemOf).join('');
}

function pemOf({ raw }: X509Certificate): string {
  return writePem('CERTIFICATE', raw);
}

/** The subject, for people. Node has none where it is empty, whatever its types say. */
export function subjectOf({ subject, serialNumber }: X509Certificate): string {
  const text = subject as string | undefined;
  return text?.replaceAll('\n', ', ') ?? `the certificate ${serialNumber}`;
}

function parsed<Value>(what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new AuthorityError(`${what}: ${describeError(error)}`, { cause: error });
  }
}
