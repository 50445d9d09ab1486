/** Text armour of keys, certificates and requests (RFC 7468). */

export interface PemBlock {
  /** For example `CERTIFICATE`. */
  readonly label: string;
  readonly bytes: Buffer;
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----\s*([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/** The blocks of a text, in order. What stands between them is commentary and is passed over, as RFC 7468 has it. */
export function readPem(text: string): readonly PemBlock[] {
  return Array.from(text.matchAll(block), ([, label = '', body = '']) => ({
    label,
    bytes: Buffer.from(body.replaceAll(/\s/g, ''), 'base64'),
  }));
}

/** Ends in a newline. */
export function writePem(label: string, bytes: Uint8Array | ArrayBuffer): string {
  const lines =
    Buffer.from(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
