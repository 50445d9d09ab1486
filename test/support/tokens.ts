import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** Signs tokens (JWT) as an issuer does. */
export class TokenIssuer {
  readonly #key: KeyObject;
  /** The public key as a JSON Web Key Set. */
  readonly keys: string;

  readonly #issuer: string;

  constructor(issuer: string, kid = 'one') {
    this.#issuer = issuer;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }] });
  }

  /** A token that is valid until 2049, unless its claims say otherwise. */
  token(claims: Readonly<Record<string, unknown>>, header: Readonly<Record<string, unknown>> = {}): string {
    const head = base64({ alg: 'ES256', typ: 'JWT', ...header });
    const content = `${head}.${base64({ iss: this.#issuer, exp: 2_500_000_000, ...claims })}`;
    const signature = sign('sha256', Buffer.from(content), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  }
}

/** A token that says that nobody signed it. */
export function unsignedToken(claims: Readonly<Record<string, unknown>>): string {
  return `${base64({ alg: 'none', typ: 'JWT' })}.${base64(claims)}.`;
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
