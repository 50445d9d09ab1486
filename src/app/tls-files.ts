import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../observe/log.ts';
import type { Clock } from '../xds/clock.ts';
import type { TlsIdentity } from '../xds/transport/tls.ts';

/** The server's key and certificate and the authorities of its clients, from files that may be replaced while it runs. */

/** Paths of PEM files. */
export type TlsFiles = TlsIdentity;

/** Key and certificate of a server: PEM, or paths of PEM files. */
export type ServerIdentity = Pick<TlsIdentity, 'key' | 'certificate'>;

/** A file cannot be read, or does not hold what it should. The message says which and what to do. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
}

/** @throws TlsFileError */
export async function readTlsFiles(files: TlsFiles): Promise<TlsIdentity> {
  const [identity, clientCa] = await Promise.all([readServerFiles(files), readAuthorityFile(files.clientCa)]);
  return { ...identity, clientCa };
}

/** @throws TlsFileError */
export async function readServerFiles(files: ServerIdentity): Promise<ServerIdentity> {
  const [key, certificate] = await Promise.all([readPem(files.key), readPem(files.certificate)]);
  const leaf = parsed(files.certificate, 'a certificate', () => new X509Certificate(certificate));
  const privateKey = parsed(files.key, 'a private key without a password', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new TlsFileError(
      `the key in ${files.key} does not belong to the certificate in ${files.certificate}; write both`,
    );
  }
  parsed(files.certificate, 'what TLS can be served with', () => createSecureContext({ key, cert: certificate }));
  return { key, certificate };
}

/** @throws TlsFileError */
async function readAuthorityFile(path: string): Promise<string> {
  const authorities = await readPem(path);
  const what = 'certificates of authorities';
  parsed(path, what, () => new X509Certificate(authorities));
  parsed(path, what, () => createSecureContext({ ca: authorities }));
  return authorities;
}

/** How a change of the files is found: by looking, since mounted secrets are swapped by links that no watch follows. */
export interface FollowOptions<Identity> {
  readonly read: () => Promise<Identity>;
  /** What they held when they were last read. */
  readonly identity: Identity;
  /** Milliseconds between looks. */
  readonly interval: number;
  readonly clock: Clock;
  readonly changed: (identity: Identity) => void;
  /** Hears of files that are of no use, once for each state of them; what was read before stays in force. */
  readonly failed: (error: unknown) => void;
}

/** Gives the function that ends it. */
export function followTlsFiles<Identity>(options: FollowOptions<Identity>): () => void {
  const { read, identity, interval, clock, changed, failed } = options;
  let current = identity;
  let complaint = '';
  let hasEnded = false;
  let cancel: () => void = () => undefined;
  const look = async (): Promise<void> => {
    try {
      const found = await read();
      complaint = '';
      if (!hasEnded && !isDeepStrictEqual(found, current)) changed(found);
      current = found;
    } catch (error) {
      const message = describeError(error);
      if (!hasEnded && message !== complaint) failed(error);
      complaint = message;
    }
    if (!hasEnded) wait();
  };
  const wait = (): void => {
    cancel = clock.after(interval, () => void look());
  };
  wait();
  return () => {
    hasEnded = true;
    cancel();
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new TlsFileError(`${path} cannot be read: ${describeError(error)}`, { cause: error });
  }
}

function parsed<Value>(path: string, what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new TlsFileError(`${path} does not hold ${what} in PEM: ${describeError(error)}`, { cause: error });
  }
}
