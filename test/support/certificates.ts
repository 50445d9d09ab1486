import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** X.509 certificates for tests, written by hand: P-256, valid from 2020 to 2049. */

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** Signs certificates. */
export class Authority {
  readonly #name: string;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly certificate: string;

  constructor(name: string) {
    this.#name = name;
    this.certificate = this.#sign(name, this.#keys.publicKey, [
      extension('551d13', sequence(Buffer.of(0x01, 0x01, 0xff))),
    ]);
  }

  /** @param names IPv4 addresses, URIs (with `://`) and names of hosts */
  issue(subject: string, ...names: readonly string[]): Certificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      certificate: this.#sign(subject, publicKey, [extension('551d11', sequence(...names.map(alternativeName)))]),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  #sign(subject: string, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const content = sequence(
      der(0xa0, der(0x02, Buffer.of(2))),
      der(0x02, Buffer.of(++serial)),
      signedBy,
      distinguishedName(this.#name),
      sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z'))),
      distinguishedName(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', content, this.#keys.privateKey);
    const bytes = sequence(content, signedBy, der(0x03, Buffer.of(0), signature));
    const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

let serial = 0;
/** ecdsa-with-SHA256. */
const signedBy = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));

function distinguishedName(text: string): Buffer {
  return sequence(der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(text)))));
}

/** @param identifier of the extension, encoded, in hex */
function extension(identifier: string, value: Buffer): Buffer {
  return sequence(der(0x06, Buffer.from(identifier, 'hex')), der(0x04, value));
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name)) return der(0x87, Buffer.from(name.split('.').map(Number)));
  return der(name.includes('://') ? 0x86 : 0x82, Buffer.from(name));
}

function sequence(...items: readonly Uint8Array[]): Buffer {
  return der(0x30, ...items);
}

function der(tag: number, ...items: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(items);
  const { length } = content;
  const lengthBytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}
