/** Members of keys that say which they are, and those that are the public key, by its kind. */
const description = ['kid', 'use', 'alg'];
const material: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
};

/**
 * What of a JSON Web Key checks signatures, as JSON, with its members always in the same order. A proxy refuses a whole listener for a key set of
 * which it understands no key, so what it would not understand is none here.
 *
 * @returns undefined: it is no public key, or not for signatures
 */
export function signatureKey(key: unknown): string | undefined {
  if (!isKey(key) || typeof key['kty'] !== 'string' || key['use'] === 'enc') return undefined;
  const { kty } = key;
  const members = [...description, ...(material[kty] ?? [])].flatMap((name) =>
    typeof key[name] === 'string' ? [[name, key[name]] as const] : [],
  );
  const values = new Map(members);
  const part = (name: string): Buffer => Buffer.from(values.get(name) ?? '', 'base64url');
  if (!isPublicKey(kty, values.get('crv'), part)) return undefined;
  return JSON.stringify(Object.fromEntries([['kty', kty], ...members]));
}

function isPublicKey(kty: string, curveName: string | undefined, part: (name: string) => Buffer): boolean {
  switch (kty) {
    case 'RSA': {
      const { length } = part('n');
      // What BoringSSL takes, but for what is too short to be safe.
      return length >= 128 && length <= 1024 && numberIn(part('e')) > 1n && numberIn(part('e')) % 2n === 1n;
    }
    case 'EC': {
      const curve = curves[curveName ?? ''];
      return curve !== undefined && isOnCurve(curve, numberIn(part('x')), numberIn(part('y')));
    }
    case 'OKP':
      return curveName === 'Ed25519' && part('x').length === 32;
    default:
      return false;
  }
}

/** y² = x³ - 3x + b modulo a prime (NIST FIPS 186-4, D.1.2). */
interface Curve {
  readonly prime: bigint;
  readonly b: bigint;
}

const curves: Readonly<Record<string, Curve>> = {
  'P-256': {
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  'P-384': {
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  'P-521': {
    prime: 2n ** 521n - 1n,
    b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  },
};

function isOnCurve({ prime, b }: Curve, x: bigint, y: bigint): boolean {
  if (x >= prime || y >= prime) return false;
  return (y * y - (x * x * x - 3n * x + b)) % prime === 0n;
}

/** An empty text is no number of a key. */
function numberIn(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
}

function isKey(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
