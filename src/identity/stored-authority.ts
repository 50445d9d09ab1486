import type { X509Certificate } from 'node:crypto';
import { spiffeId, type WorkloadIdentity } from '../model/identity.ts';
import type { Log } from '../observe/log.ts';
import type { AuthorityState, OwnAuthority, Rotation } from './authority-state.ts';
import { StoreError, type AuthorityStore, type Stored } from './authority-store.ts';
import type {
  CertificateAuthority,
  CertificateSubject,
  KeyAndCertificate,
  SignedCertificate,
  Signing,
} from './certificate-authority.ts';
import { serverCertificate, workloadCertificate, type Validity } from './certificate-form.ts';
import { changeState } from './change-state.ts';
import { readRequest } from './certificate-request.ts';
import type { AuthorityClock } from './clock.ts';
import { longestInstance } from './instance.ts';
import { validityFor } from './lifetime.ts';
import { makeKey, makeRoot } from './make-root.ts';
import { begun, nextStep, stepNotBefore, stepped } from './rotation.ts';
import { AuthorityError, bundleOf, readSigner, subjectOf, trustedRoots, type Signer } from './signer.ts';

export interface StoredAuthorityOptions {
  readonly store: AuthorityStore;
  readonly trustDomain: string;
  /** Seconds of a certificate's life where nobody asks for another. */
  readonly lifetime: number;
  readonly clock: AuthorityClock;
  readonly log: Log;
  /** How many connected proxies have not confirmed the trust bundle as it is now. */
  readonly unconfirmed: () => number;
}

/** What is known of the authority, for people. Times are milliseconds since 1970. */
export interface AuthorityReport {
  readonly place: string;
  readonly madeBy: 'weir' | 'somebody else';
  /** Hexadecimal. */
  readonly serial: string;
  readonly signer: Validity;
  readonly roots: readonly { readonly subject: string; readonly serial: string; readonly notAfter: number }[];
  readonly rotation: Rotation['kind'];
  /** Of a rotation that is under way: when its next step may be taken at the earliest, and how many proxies here are waited for. */
  readonly waiting: { readonly until: number; readonly proxies: number } | undefined;
}

interface Current {
  readonly signer: Signer;
  readonly roots: readonly X509Certificate[];
  readonly bundle: string;
  /** undefined: plugged in, and not Weir's to replace */
  readonly own: OwnAuthority | undefined;
}

/** Milliseconds between looks at the store: what another replica did, or a person, is known after so long. */
const lookInterval = 10_000;

/**
 * The certificate authority of the mesh, over a store that all replicas share. Where the store is empty it makes a root; what is plugged
 * in it uses as it is. It signs at once whatever it is asked to: how much of that it is asked, `PacedAuthority` decides.
 */
export class StoredAuthority implements CertificateAuthority {
  readonly trustDomain: string;
  readonly #options: StoredAuthorityOptions;
  readonly #followers = new Set<() => void>();
  #current: Current | undefined;
  #tokenKey: string | undefined;
  #source = '';
  #complaint = '';

  constructor(options: StoredAuthorityOptions) {
    this.#options = options;
    this.trustDomain = options.trustDomain;
  }

  get trustBundle(): string {
    return this.#current?.bundle ?? '';
  }

  /** PEM of the key that signs join tokens; undefined: no token was made yet. */
  get tokenKey(): string | undefined {
    return this.#tokenKey;
  }

  /** undefined: it could not be read yet. */
  get report(): AuthorityReport | undefined {
    if (this.#current === undefined) return undefined;
    const { signer, roots, own } = this.#current;
    const { store, unconfirmed } = this.#options;
    const rotation = own?.rotation ?? { kind: 'steady' };
    return {
      place: store.place,
      madeBy: own === undefined ? 'somebody else' : 'weir',
      serial: signer.serial,
      signer: signer.validity,
      roots: roots.map((root) => ({
        subject: subjectOf(root),
        serial: root.serialNumber,
        notAfter: root.validToDate.getTime(),
      })),
      rotation: rotation.kind,
      waiting:
        own === undefined || !('since' in rotation)
          ? undefined
          : { until: stepNotBefore(rotation, own.longestLifetime), proxies: unconfirmed() },
    };
  }

  /**
   * Reads the authority, and makes one where there is none.
   *
   * @throws AuthorityError: what is there is of no use. StoreError: it cannot be reached
   */
  async open(): Promise<void> {
    const { stored, state } = await changeState(this.#options.store, async (read) => {
      if (read.state.authority !== undefined || read.stored.pluggedIn?.['ca-key.pem'] !== undefined) return undefined;
      // Made now, so that the first join token is good at once and not at the next look into the store.
      const tokenKey = read.state.tokenKey ?? (await makeKey()).privateKey;
      return { tokenKey, authority: await this.#makeAuthority() };
    });
    this.#adopt(stored, state);
  }

  /** Follows the store and replaces the root when its time has come, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, store } = this.#options;
    while (!signal.aborted) {
      try {
        await this.open();
        await this.#rotate();
        this.#complaint = '';
      } catch (error) {
        if (!isOutside(error)) throw error;
        // Whoever stops it may have closed its connection.
        if (signal.aborted) return;
        // Certificates are signed with what was read last: what stands in the store now is nobody's yet.
        if (error.message !== this.#complaint) {
          log.error('the certificate authority cannot be read; what was read before stays', {
            error,
            place: store.place,
          });
        }
        this.#complaint = error.message;
      }
      await this.#pause(signal);
    }
  }

  follow(changed: () => void): () => void {
    const follower = (): void => changed();
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  async sign(
    subject: CertificateSubject,
    request: string,
    seconds = this.#options.lifetime,
  ): Promise<Signing<SignedCertificate>> {
    const uri = this.#uriOf(subject);
    if (typeof uri !== 'string') return uri;
    const reading = await readRequest(request, uri);
    if (reading.kind === 'invalid') return reading;
    return this.#workload(subject, uri, reading.publicKey, seconds);
  }

  async issue(subject: CertificateSubject): Promise<Signing<KeyAndCertificate>> {
    const uri = this.#uriOf(subject);
    if (typeof uri !== 'string') return uri;
    const { privateKey, publicKey } = await makeKey();
    const signing = await this.#workload(subject, uri, publicKey, this.#options.lifetime);
    return withKey(signing, privateKey);
  }

  async issueServer(names: readonly string[]): Promise<Signing<KeyAndCertificate>> {
    if (names.length === 0) return { kind: 'invalid', reason: 'names no server' };
    const { privateKey, publicKey } = await makeKey();
    const signing = await this.#signed(this.#options.lifetime, (validity, { issuer }) =>
      serverCertificate({ ...validity, names, publicKey }, issuer),
    );
    return withKey(signing, privateKey);
  }

  #workload(
    { instance }: CertificateSubject,
    uri: string,
    publicKey: Uint8Array,
    seconds: number,
  ): Promise<Signing<SignedCertificate>> {
    return this.#signed(seconds, (validity, { issuer }) =>
      workloadCertificate({ ...validity, uri, instance, publicKey }, issuer),
    );
  }

  async #signed(
    seconds: number,
    certificate: (validity: Validity, signer: Signer) => Promise<string>,
  ): Promise<Signing<SignedCertificate>> {
    const { clock, store } = this.#options;
    const before = this.#current;
    if (before === undefined) {
      return { kind: 'unavailable', reason: `the certificate authority in ${store.place} has not been read yet` };
    }
    const reading = validityFor(clock.now(), seconds, before.signer.validity);
    if (reading.kind !== 'valid') return reading;
    try {
      if (before.own !== undefined && seconds > before.own.longestLifetime) await this.#remember(seconds);
    } catch (error) {
      if (!isOutside(error)) throw error;
      return { kind: 'unavailable', reason: `the certificate authority is out of reach: ${error.message}` };
    }
    // The signer may have been replaced in the meantime.
    const { signer } = this.#current ?? before;
    const leaf = await certificate(reading.validity, signer);
    return { kind: 'signed', certificate: { chain: [leaf, ...signer.intermediates], ...reading.validity } };
  }

  /** @returns why it cannot be written into a certificate, where it cannot */
  #uriOf({
    identity,
    instance = '',
  }: CertificateSubject): string | { readonly kind: 'invalid'; readonly reason: string } {
    if (identity.trustDomain !== this.trustDomain) {
      return {
        kind: 'invalid',
        reason: `is for the trust domain ${identity.trustDomain}, and this is ${this.trustDomain}`,
      };
    }
    if (instance.length > longestInstance || !isWritable(identity)) {
      return { kind: 'invalid', reason: 'is for an identity that cannot be written into a certificate' };
    }
    return spiffeId(identity);
  }

  /** Before a certificate lives longer than any before it, the rotation has to know (I56). */
  async #remember(seconds: number): Promise<void> {
    await this.#change((authority) =>
      authority.longestLifetime >= seconds ? undefined : { ...authority, longestLifetime: seconds },
    );
  }

  async #rotate(): Promise<void> {
    const { clock, log, unconfirmed } = this.#options;
    const current = this.#current;
    if (current?.own === undefined) return;
    const { rotation, longestLifetime } = current.own;
    const facts = { now: clock.now(), root: current.signer.validity, longestLifetime, unconfirmed: unconfirmed() };
    const step = nextStep(rotation, facts);
    if (step.kind === 'none') return;
    const next = step.kind === 'begin' ? await makeRoot(facts.now) : undefined;
    const done = await this.#change((authority) => {
      // Another replica has taken it.
      if (authority.rotation.kind !== rotation.kind) return undefined;
      if (step.kind !== 'begin') return stepped(authority, step.kind, facts.now);
      return next === undefined ? undefined : begun(authority, next, facts.now);
    });
    if (done && step.kind !== 'hold') log.info('the root of the mesh is being replaced', { step: step.kind });
  }

  /** @param change undefined: nothing is to be changed. @returns whether something was */
  async #change(change: (authority: OwnAuthority) => OwnAuthority | undefined): Promise<boolean> {
    const { stored, state, isChanged } = await changeState(this.#options.store, async ({ state: before }) => {
      const authority = before.authority && change(before.authority);
      return authority && { ...before, authority };
    });
    this.#adopt(stored, state);
    return isChanged;
  }

  async #makeAuthority(): Promise<OwnAuthority> {
    const { clock, lifetime } = this.#options;
    const signer = await makeRoot(clock.now());
    return { signer, roots: [signer.certificate], rotation: { kind: 'steady' }, longestLifetime: lifetime };
  }

  /** What was read is in force from now on. @throws AuthorityError; what was in force stays then */
  #adopt(stored: Stored, { authority, tokenKey }: AuthorityState): void {
    this.#tokenKey = tokenKey;
    const source = JSON.stringify([authority, stored.pluggedIn]);
    if (source === this.#source) return;
    const before = this.#current;
    this.#current = authority === undefined ? pluggedIn(stored.pluggedIn) : made(authority, stored.pluggedIn);
    this.#source = source;
    const isSame = before?.bundle === this.#current.bundle && before.signer.serial === this.#current.signer.serial;
    if (!isSame) for (const follower of [...this.#followers]) follower();
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = (): void => {
        cancel();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const cancel = this.#options.clock.after(lookInterval, finish);
      signal.addEventListener('abort', finish);
    });
  }
}

/** Whether the world is to blame, not this program. */
function isOutside(error: unknown): error is AuthorityError | StoreError {
  return error instanceof AuthorityError || error instanceof StoreError;
}

function made(own: OwnAuthority, beside: Stored['pluggedIn'] = {}): Current {
  const { certificate, key } = own.signer;
  const ownRoots = own.roots.join('');
  const roots = trustedRoots(ownRoots, beside['root-cert.pem'] ?? '');
  const signer = readSigner({ certificate, key, chain: '', roots: ownRoots });
  return { signer, roots, bundle: bundleOf(roots), own };
}

function pluggedIn(files: Stored['pluggedIn'] = {}): Current {
  const {
    'ca-cert.pem': certificate,
    'ca-key.pem': key,
    'root-cert.pem': rootFile,
    'cert-chain.pem': chain = '',
  } = files;
  if (certificate === undefined || key === undefined || rootFile === undefined) {
    throw new AuthorityError(
      'a plugged-in authority is ca-cert.pem, ca-key.pem, root-cert.pem and, if need be, cert-chain.pem',
    );
  }
  const roots = trustedRoots('', rootFile);
  return {
    signer: readSigner({ certificate, key, chain, roots: rootFile }),
    roots,
    bundle: bundleOf(roots),
    own: undefined,
  };
}

/** URIs in certificates are ASCII (RFC 5280 4.2.1.6). */
function isWritable(identity: WorkloadIdentity): boolean {
  return /^[\x21-\x7e]{1,2048}$/.test(spiffeId(identity));
}

function withKey(signing: Signing<SignedCertificate>, privateKey: string): Signing<KeyAndCertificate> {
  return signing.kind === 'signed' ? { kind: 'signed', certificate: { ...signing.certificate, privateKey } } : signing;
}
