import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { PeerInfo } from './transport.ts';

/** Who is at the other end of a socket. A certificate counts only when TLS has verified it (reliability S42). */
export function peerOf(socket: Socket): PeerInfo {
  const address = addressOf(socket);
  if (!(socket instanceof TLSSocket) || !socket.authorized) return { address };
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { address };
  const { subjectAltName, validTo, raw } = certificate;
  return { address, certificate: { uris: urisOf(subjectAltName), notAfter: Date.parse(validTo), bytes: raw } };
}

/** `address:port`, IPv6 in brackets. */
function addressOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/** @param subjectAltName as Node writes it: `URI:spiffe://a/b, DNS:"quoted, since it holds a comma"` */
export function urisOf(subjectAltName = ''): readonly string[] {
  const entry = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
  const uris: string[] = [];
  while (entry.lastIndex < subjectAltName.length) {
    const match = entry.exec(subjectAltName);
    // What cannot be read as a whole says nothing at all.
    if (match === null) return [];
    const [, kind, value = ''] = match;
    if (kind === 'URI') uris.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return uris;
}
