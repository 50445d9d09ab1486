import { isIP } from 'node:net';
import { parseSpiffeId, type WorkloadIdentity } from '../model/identity.ts';
import type { MeshSettings } from '../model/mesh-settings.ts';
import type { Call, CalledRequest } from '../policy/authorization-match.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** What the arguments of `weir authz check` say of the call. */
export interface AskedCall {
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly claims: string | undefined;
  readonly ip: string | undefined;
}

/** The call, but for what the workload makes of it. */
export interface ReadCall {
  readonly url: URL;
  readonly call: Omit<Call, 'port' | 'request' | 'destinationAddress'>;
  readonly request: CalledRequest;
}

/** @throws CommandError for an argument that is none */
export function readCall(asked: AskedCall, settings: MeshSettings): ReadCall {
  const url = urlOf(asked.url);
  const headers = Object.fromEntries(asked.headers.map(headerOf));
  const { ip } = asked;
  if (ip !== undefined && isIP(ip) === 0) throw wrong(`--from-ip ${ip} is no IP address`);
  return {
    url,
    call: {
      identity: identityOf(asked.from, settings.trustDomain),
      peerAddress: ip,
      clientAddress: ip,
      serverName: undefined,
      claims: asked.claims === undefined ? undefined : claimsOf(asked.claims),
    },
    request: {
      method: asked.method,
      host: headers['host'] ?? url.host,
      path: pathAsSeen(url.pathname, settings.pathNormalization),
      headers,
    },
  };
}

/** What proxies make of a path before policies see it (policy Z22). */
function pathAsSeen(path: string, normalization: MeshSettings['pathNormalization']): string {
  switch (normalization) {
    case 'none':
    case 'base':
      return path;
    case 'merge-slashes':
      return path.replaceAll(/\/+/g, '/');
    case 'decode-and-merge-slashes':
      return path.replaceAll(/%2f|%5c/gi, '/').replaceAll(/\/+/g, '/');
  }
}

/** `-`: in the clear; `NAMESPACE/ACCOUNT`; or a whole identity. */
function identityOf(from: string, trustDomain: string): WorkloadIdentity | undefined {
  if (from === '-') return undefined;
  if (from.startsWith('spiffe://')) {
    const identity = parseSpiffeId(from);
    if (identity !== undefined) return identity;
    throw wrong(`${from} is no identity of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`);
  }
  const [namespace = '', serviceAccount = '', ...rest] = from.split('/');
  if (namespace !== '' && serviceAccount !== '' && rest.length === 0) return { trustDomain, namespace, serviceAccount };
  throw wrong(
    `${from} is no caller: write NAMESPACE/ACCOUNT, a spiffe:// identity, or - for a caller without certificate`,
  );
}

function urlOf(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (['http:', 'https:', 'tcp:'].includes(url.protocol) && url.hostname !== '') return url;
  }
  throw wrong(`${text} is no address: write http://HOST[:PORT]/PATH, or tcp://HOST:PORT for a connection`);
}

function headerOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
  throw wrong(`-H ${text} is no header: write NAME:VALUE`);
}

function claimsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(text);
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return { ...claims };
  } catch {
    // Said below.
  }
  throw wrong('--jwt-claims is no JSON object: write {"iss": "...", "sub": "..."}');
}

function wrong(message: string): CommandError {
  return new CommandError(exitCodes.usage, message);
}
