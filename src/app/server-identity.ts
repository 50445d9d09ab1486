import type { CertificateAuthority } from '../identity/certificate-authority.ts';
import { untilRenewal } from '../identity/lifetime.ts';
import type { Log } from '../observe/log.ts';
import type { TlsIdentity } from '../xds/transport/tls.ts';
import type { Settings } from './settings.ts';
import { serverClock } from './system-clock.ts';
import { followTlsFiles, readTlsFiles, TlsFileError, type TlsFiles } from './tls-files.ts';

/** With which certificate xDS is served, and whose client certificates count: from files, or from the mesh's own authority. */
export interface ServerIdentity {
  readonly first: TlsIdentity;
  /** Gives the function that ends it. */
  readonly follow: (changed: (next: TlsIdentity) => void) => () => void;
}

export interface ServerIdentityOptions {
  readonly settings: Pick<Settings, 'xdsTlsKey' | 'xdsTlsCert' | 'xdsTlsClientCa' | 'xdsTlsNames'>;
  readonly authority: CertificateAuthority | undefined;
  readonly log: Log;
}

/** Milliseconds between looks at the files of certificates. */
const fileInterval = 10_000;
/** Milliseconds until a certificate that could not be had is asked for again. */
const retryInterval = 5_000;

/** @throws TlsFileError */
export async function serverIdentity({ settings, authority, log }: ServerIdentityOptions): Promise<ServerIdentity> {
  const { xdsTlsKey: key, xdsTlsCert: certificate, xdsTlsClientCa: clientCa, xdsTlsNames: names } = settings;
  if (key !== undefined && certificate !== undefined && clientCa !== undefined) {
    return identityFromFiles({ key, certificate, clientCa }, log);
  }
  if (authority === undefined) throw new TlsFileError('xDS over TLS has neither files nor an authority of its own');
  return identityFromAuthority(authority, names, log);
}

async function identityFromFiles(files: TlsFiles, log: Log): Promise<ServerIdentity> {
  const first = await readTlsFiles(files);
  return {
    first,
    follow: (changed) =>
      followTlsFiles({
        read: () => readTlsFiles(files),
        identity: first,
        interval: fileInterval,
        clock: serverClock,
        changed,
        failed: (error) =>
          log.error('the certificates of xDS have changed and are of no use; those before stay', { error }),
      }),
  };
}

/** Issued anew when the authority changes, and long before it runs out (istio-compat I27). */
async function identityFromAuthority(
  authority: CertificateAuthority,
  names: readonly string[],
  log: Log,
): Promise<ServerIdentity> {
  const first = await issue(authority, names);
  if (first === undefined) throw new TlsFileError('the authority of the mesh cannot sign the certificate of xDS');
  return {
    first: first.identity,
    follow(changed) {
      let hasEnded = false;
      let cancel: () => void = () => undefined;
      const again = (milliseconds: number): void => {
        cancel();
        cancel = serverClock.after(milliseconds, () => void renew());
      };
      const renew = async (): Promise<void> => {
        const next = await issue(authority, names);
        if (hasEnded) return;
        if (next === undefined) {
          log.error('the certificate of xDS cannot be renewed; it is tried again');
          return again(retryInterval);
        }
        changed(next.identity);
        again(next.untilRenewal());
      };
      again(first.untilRenewal());
      const stopFollowing = authority.follow(() => void renew());
      return () => {
        hasEnded = true;
        cancel();
        stopFollowing();
      };
    },
  };
}

interface Issued {
  readonly identity: TlsIdentity;
  /** In milliseconds; at most what a timer takes. */
  readonly untilRenewal: () => number;
}

async function issue(authority: CertificateAuthority, names: readonly string[]): Promise<Issued | undefined> {
  const issued = await authority.issueServer(names);
  if (issued.kind !== 'signed') return undefined;
  const { privateKey, chain, notAfter } = issued.certificate;
  return {
    identity: { key: privateKey, certificate: chain.join(''), clientCa: authority.trustBundle },
    untilRenewal: () =>
      Math.min(2 ** 31 - 1, Math.max(retryInterval, untilRenewal(notAfter - Date.now(), Math.random()))),
  };
}
