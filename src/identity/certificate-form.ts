import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CryptoEngine,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  PublicKeyInfo,
  RelativeDistinguishedNames,
  Time,
} from 'pkijs';
import { parseCidr } from '../model/cidr.ts';
import { encodeInstance, instanceExtension } from './instance.ts';
import { writePem } from './pem.ts';

/** What the certificates look like that Weir signs (RFC 5280; istio-compat I53). */

/** When a certificate holds: milliseconds since 1970, to the second. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Who signs. */
export interface Issuer {
  readonly certificate: Certificate;
  readonly key: webcrypto.CryptoKey;
  readonly hash: 'SHA-256' | 'SHA-384' | 'SHA-512';
}

const engine = new CryptoEngine({ name: 'node', crypto: webcrypto });
const oid = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;
/** An empty name. One that pkijs makes has an empty set in it, and is no name to whoever is strict: Envoy refuses the certificate. */
const nobody = RelativeDistinguishedNames.fromBER(new asn1js.Sequence().toBER());
/** First byte of the key usage, and how many bits at its end do not count. */
const keyUsages = {
  workload: { bits: 0b1010_0000, unused: 5 },
  authority: { bits: 0b0000_0110, unused: 1 },
} as const;
const nameTypes = { dns: 2, uri: 6, ip: 7 } as const;
/** From this year on a time has four digits of the year (RFC 5280 4.1.2.5). */
const generalizedFrom = 2050;

/** What every certificate is about. */
export interface KeyForm extends Validity {
  /** DER. */
  readonly publicKey: Uint8Array;
}

export interface WorkloadForm extends KeyForm {
  /** SPIFFE id: the only name. */
  readonly uri: string;
  readonly instance: string | undefined;
}

/** PEM of the certificate of a workload: it has no subject, so that its one name is critical (I53). */
export function workloadCertificate(form: WorkloadForm, issuer: Issuer): Promise<string> {
  const extensions = [
    extension(oid.subjectAltName, true, alternativeNames([new GeneralName({ type: nameTypes.uri, value: form.uri })])),
    ...leafExtensions(issuer),
    ...(form.instance === undefined ? [] : [extension(instanceExtension, false, encodeInstance(form.instance))]),
  ];
  return signed(form, nobody, extensions, issuer);
}

export interface ServerForm extends KeyForm {
  /** Names of hosts and IP addresses; the subject is left empty. */
  readonly names: readonly string[];
}

/** PEM of the certificate of a server of the control plane. */
export function serverCertificate(form: ServerForm, issuer: Issuer): Promise<string> {
  const names = form.names.map((name) => {
    const bytes = addressBytes(name);
    if (bytes === undefined) return new GeneralName({ type: nameTypes.dns, value: name });
    return new GeneralName({ type: nameTypes.ip, value: new asn1js.OctetString({ valueHex: bytes }) });
  });
  const extensions = [extension(oid.subjectAltName, true, alternativeNames(names)), ...leafExtensions(issuer)];
  return signed(form, nobody, extensions, issuer);
}

/** PEM of a root that signs itself. Its name is its own: two roots of one mesh are told apart by it as well as by their keys. */
export function rootCertificate(form: KeyForm, key: webcrypto.CryptoKey): Promise<string> {
  const identifier = keyIdentifier(publicKeyInfo(form.publicKey));
  const subject = new RelativeDistinguishedNames({
    typesAndValues: [
      nameAttribute(oid.commonName, `Weir root ${Buffer.from(identifier).toString('hex').slice(0, 12)}`),
    ],
  });
  const extensions = [
    extension(oid.basicConstraints, true, new BasicConstraints({ cA: true }).toSchema().toBER()),
    keyUsage(keyUsages.authority),
    extension(oid.subjectKeyIdentifier, false, new asn1js.OctetString({ valueHex: identifier }).toBER()),
  ];
  return signed(form, subject, extensions, { certificate: new Certificate({ subject }), key, hash: 'SHA-256' });
}

function leafExtensions({ certificate }: Issuer): readonly Extension[] {
  const usages = new ExtKeyUsage({ keyPurposes: [oid.serverAuth, oid.clientAuth] });
  const keyIdentifierOfIssuer = certificate.extensions?.find(({ extnID }) => extnID === oid.subjectKeyIdentifier);
  return [
    extension(oid.basicConstraints, true, new BasicConstraints({ cA: false }).toSchema().toBER()),
    keyUsage(keyUsages.workload),
    extension(oid.extendedKeyUsage, false, usages.toSchema().toBER()),
    ...(keyIdentifierOfIssuer === undefined ? [] : [authorityKeyIdentifier(keyIdentifierOfIssuer)]),
  ];
}

function authorityKeyIdentifier({ extnValue }: Extension): Extension {
  const { result } = asn1js.fromBER(extnValue.valueBlock.valueHexView);
  const keyIdentifier = new asn1js.OctetString({ valueHex: (result as asn1js.OctetString).valueBlock.valueHexView });
  return extension(oid.authorityKeyIdentifier, false, new AuthorityKeyIdentifier({ keyIdentifier }).toSchema().toBER());
}

async function signed(
  { publicKey, notBefore, notAfter }: KeyForm,
  subject: RelativeDistinguishedNames,
  extensions: readonly Extension[],
  issuer: Issuer,
): Promise<string> {
  const certificate = new Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ valueHex: serialNumber() }),
    issuer: issuer.certificate.subject,
    notBefore: time(notBefore),
    notAfter: time(notAfter),
    subject,
    subjectPublicKeyInfo: publicKeyInfo(publicKey),
    extensions: [...extensions],
  });
  await certificate.sign(issuer.key, issuer.hash, engine);
  return writePem('CERTIFICATE', certificate.toSchema(true).toBER());
}

/** 126 bits of chance, positive and of full length. */
function serialNumber(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** The first 160 bits of the SHA-256 of the key (RFC 7093 method 1). */
function keyIdentifier({ subjectPublicKey }: PublicKeyInfo): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(subjectPublicKey.valueBlock.valueHexView).digest()).slice(0, 20);
}

function publicKeyInfo(der: Uint8Array): PublicKeyInfo {
  return PublicKeyInfo.fromBER(Uint8Array.from(der));
}

function time(milliseconds: number): Time {
  const value = new Date(Math.floor(milliseconds / 1000) * 1000);
  return new Time({ type: value.getUTCFullYear() < generalizedFrom ? 0 : 1, value });
}

function extension(extnID: string, critical: boolean, content: ArrayBuffer): Extension {
  return new Extension({ extnID, critical, extnValue: content });
}

function keyUsage({ bits, unused }: (typeof keyUsages)['workload' | 'authority']): Extension {
  const content = new asn1js.BitString({ valueHex: Uint8Array.of(bits), unusedBits: unused });
  return extension(oid.keyUsage, true, content.toBER());
}

function alternativeNames(names: readonly GeneralName[]): ArrayBuffer {
  return new GeneralNames({ names: [...names] }).toSchema().toBER();
}

/** undefined: the name is no IP address */
function addressBytes(name: string): Uint8Array<ArrayBuffer> | undefined {
  const address = parseCidr(name);
  if (address === undefined) return undefined;
  return Uint8Array.from(Buffer.from(address.network.toString(16).padStart(address.family === 4 ? 8 : 32, '0'), 'hex'));
}

function nameAttribute(type: string, value: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type, value: new asn1js.Utf8String({ value }) });
}
