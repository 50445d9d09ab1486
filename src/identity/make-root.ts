import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyPair } from './authority-state.ts';
import { rootCertificate } from './certificate-form.ts';
import { backdating, rootLifetime } from './lifetime.ts';

const generate = promisify(generateKeyPair);

export interface NewKey {
  /** PEM (PKCS #8). */
  readonly privateKey: string;
  /** DER. */
  readonly publicKey: Uint8Array;
}

/** A key on P-256, made outside the event loop. */
export async function makeKey(): Promise<NewKey> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
  };
}

/**
 * A root that signs itself, for ten years (istio-compat I51).
 *
 * @param now milliseconds since 1970
 */
export async function makeRoot(now: number): Promise<KeyPair> {
  const { privateKey, publicKey } = await makeKey();
  const key = createPrivateKey(privateKey).toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const form = { publicKey, notBefore: now - backdating, notAfter: now + rootLifetime };
  return { certificate: await rootCertificate(form, key), key: privateKey };
}
