import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import * as asn1js from 'asn1js';
import {
  AlgorithmIdentifier,
  Attribute,
  BasicConstraints,
  CertificationRequest,
  Extension,
  Extensions,
  GeneralName,
  GeneralNames,
  PublicKeyInfo,
} from 'pkijs';
import { writePem } from '../../src/identity/pem.ts';

/** Requests for certificates, right ones and all sorts of wrong ones. */

export interface RequestShape {
  readonly key?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Whose key signs it, where that is another than the one that it is for. */
  readonly signingKey?: KeyObject;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly version?: number;
  /** Each is one attribute that asks for extensions. */
  readonly asking?: readonly (readonly Extension[])[];
  readonly label?: string;
  /** Put behind the request, below the same armour. */
  readonly trailing?: Uint8Array;
}

export function ecKey(namedCurve = 'P-256') {
  return generateKeyPairSync('ec', { namedCurve });
}

const usual = ecKey();
const signatureAlgorithms: Readonly<Record<string, string>> = {
  'rsa sha1': '1.2.840.113549.1.1.5',
  'rsa sha256': '1.2.840.113549.1.1.11',
  'rsa sha384': '1.2.840.113549.1.1.12',
  'rsa sha512': '1.2.840.113549.1.1.13',
  'ec sha1': '1.2.840.10045.4.1',
  'ec sha256': '1.2.840.10045.4.3.2',
  'ec sha384': '1.2.840.10045.4.3.3',
  'ec sha512': '1.2.840.10045.4.3.4',
  'ed25519 sha256': '1.3.101.112',
};

/** PEM. */
export function aRequest(shape: RequestShape = {}): string {
  const { key = usual, hash = 'sha256', asking = [], label = 'CERTIFICATE REQUEST', trailing } = shape;
  const signer = shape.signingKey ?? key.privateKey;
  const request = new CertificationRequest();
  request.version = shape.version ?? 0;
  request.subjectPublicKeyInfo = PublicKeyInfo.fromBER(
    Uint8Array.from(key.publicKey.export({ type: 'spki', format: 'der' })),
  );
  request.attributes = asking.map(
    (extensions) =>
      new Attribute({
        type: '1.2.840.113549.1.9.14',
        values: [new Extensions({ extensions: [...extensions] }).toSchema()],
      }),
  );
  const algorithmId = signatureAlgorithms[`${signer.asymmetricKeyType} ${hash}`] ?? '';
  request.signatureAlgorithm = new AlgorithmIdentifier({ algorithmId });
  const [content] = request.toSchema(true).valueBlock.value;
  request.tbsView = new Uint8Array(content?.toBER() ?? new ArrayBuffer(0));
  const isEdwards = signer.asymmetricKeyType === 'ed25519';
  request.signatureValue = new asn1js.BitString({
    valueHex: Uint8Array.from(sign(isEdwards ? null : hash, request.tbsView, signer)),
  });
  const der = Buffer.from(request.toSchema(true).toBER());
  return writePem(label, trailing === undefined ? der : Buffer.concat([der, trailing]));
}

export function uriName(value: string): GeneralName {
  return new GeneralName({ type: 6, value });
}

export function dnsName(value: string): GeneralName {
  return new GeneralName({ type: 2, value });
}

export function ipName(...bytes: readonly number[]): GeneralName {
  return new GeneralName({ type: 7, value: new asn1js.OctetString({ valueHex: Uint8Array.from(bytes) }) });
}

export function mailName(value: string): GeneralName {
  return new GeneralName({ type: 1, value });
}

export function alternativeNames(...names: readonly GeneralName[]): Extension {
  return extension('2.5.29.17', new GeneralNames({ names: [...names] }).toSchema().toBER());
}

export function constraints(cA: boolean): Extension {
  return extension('2.5.29.19', new BasicConstraints({ cA }).toSchema().toBER());
}

export function extension(extnID: string, content: ArrayBuffer): Extension {
  return new Extension({ extnID, critical: false, extnValue: content });
}
