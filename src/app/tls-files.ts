import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { describeError } from '../observe/log.ts';
import type { Clock } from '../xds/clock.ts';
import type { TlsIdentity } from '../xds/transport/protocol.ts';

/** The server's key and certificate and the authorities of its clients, from files that may be replaced while it runs. */

/** Paths of PEM files. */
export type TlsFiles = TlsIdentity;

/** A file cannot be read, or does not hold what it should. The message says which and what to do. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
}

/** @throws TlsFileError */
export async function readTlsFiles(files: TlsFiles): Promise<TlsIdentity> {
  const [key, certificate, clientCa] = await Promise.all([
    readPem(files.key),
    readPem(files.certificate),
    readPem(files.clientCa),
  ]);
  const leaf = parsed(files.certificate, 'a certificate', () => new X509Certificate(certificate));
  const privateKey = parsed(files.key, 'a private key without a password', () => createPrivateKey(key));
  parsed(files.clientCa, 'certificates of authorities', () => new X509Certificate(clientCa));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new TlsFileError(
      `the key in ${files.key} does not belong to the certificate in ${files.certificate}; write both`,
    );
  }
  parsed(files.certificate, 'what TLS can be served with', () =>
    createSecureContext({ key, cert: certificate, ca: clientCa }),
  );
  return { key, certificate, clientCa };
}

/** How a change of the files is found: by looking, since mounted secrets are swapped by links that no watch follows. */
export interface FollowOptions {
  readonly files: TlsFiles;
  /** What they held when they were last read. */
  readonly identity: TlsIdentity;
  /** Milliseconds between looks. */
  readonly interval: number;
  readonly clock: Clock;
  readonly changed: (identity: TlsIdentity) => void;
  /** Hears of files that are of no use, once for each state of them; what was read before stays in force. */
  readonly failed: (error: unknown) => void;
}

/** Gives the function that ends it. */
export function followTlsFiles({ files, identity, interval, clock, changed, failed }: FollowOptions): () => void {
  let current = identity;
  let complaint = '';
  let hasEnded = false;
  let cancel: () => void = () => undefined;
  const look = async (): Promise<void> => {
    try {
      const found = await readTlsFiles(files);
      complaint = '';
      if (!hasEnded && !isSame(found, current)) changed(found);
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

function isSame(a: TlsIdentity, b: TlsIdentity): boolean {
  return a.key === b.key && a.certificate === b.certificate && a.clientCa === b.clientCa;
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
