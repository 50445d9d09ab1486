import { X509Certificate } from 'node:crypto';
import { spiffeId } from '../model/identity.ts';
import type { Log, LogFields } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type {
  CertificateAuthority,
  CertificateSubject,
  KeyAndCertificate,
  SignedCertificate,
  Signing,
  SigningRefusal,
} from './certificate-authority.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { AuthorityClock } from './clock.ts';
import { SigningPace } from './signing-pace.ts';

export interface PacedAuthorityOptions {
  readonly authority: CertificateAuthority;
  readonly clock: AuthorityClock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly pace?: SigningPace;
}

/** What a certificate is signed for. */
type Purpose = 'request' | 'key' | 'server';

/**
 * An authority that signs no more than it should (reliability S66), stops trying what fails every time (R65), and leaves a line in the log for
 * every certificate that it signs or refuses (S67).
 */
export class PacedAuthority implements CertificateAuthority {
  readonly #options: PacedAuthorityOptions;
  readonly #pace: SigningPace;
  readonly #breaker: CircuitBreaker;

  constructor(options: PacedAuthorityOptions) {
    this.#options = options;
    this.#pace = options.pace ?? new SigningPace(options.clock);
    this.#breaker = new CircuitBreaker(options.clock);
    const { metrics } = options;
    for (const reason of ['invalid', 'busy', 'unavailable']) metrics.refusedCertificates.inc({ reason }, 0);
    for (const purpose of ['request', 'key', 'server']) metrics.issuedCertificates.inc({ for: purpose }, 0);
    metrics.beforeExposition(() => {
      metrics.waitingCertificates.set(this.#pace.waiting);
      metrics.certificateCircuitOpen.set(this.#breaker.isOpen ? 1 : 0);
    });
  }

  get trustDomain(): string {
    return this.#options.authority.trustDomain;
  }

  get trustBundle(): string {
    return this.#options.authority.trustBundle;
  }

  follow(changed: () => void): () => void {
    return this.#options.authority.follow(changed);
  }

  async sign(subject: CertificateSubject, request: string, seconds?: number): Promise<Signing<SignedCertificate>> {
    const { authority, metrics } = this.#options;
    metrics.certificateRequests.inc();
    const signing = await this.#paced(subject, 'request', () => authority.sign(subject, request, seconds));
    if (signing.kind === 'signed') metrics.requestedCertificates.inc();
    if (signing.kind === 'invalid') metrics.malformedRequests.inc();
    if (signing.kind === 'unavailable') metrics.failedSignings.inc({ error: 'CA_NOT_READY' });
    return signing;
  }

  issue(subject: CertificateSubject): Promise<Signing<KeyAndCertificate>> {
    return this.#paced(subject, 'key', () => this.#options.authority.issue(subject));
  }

  /** Of these there are few, and without them nobody is served: they wait for nobody. */
  async issueServer(names: readonly string[]): Promise<Signing<KeyAndCertificate>> {
    return this.#audited({ names }, 'server', await this.#tried(() => this.#options.authority.issueServer(names)));
  }

  async #paced<Certificate extends SignedCertificate>(
    { identity, instance }: CertificateSubject,
    purpose: Purpose,
    work: () => Promise<Signing<Certificate>>,
  ): Promise<Signing<Certificate>> {
    const { clock, metrics } = this.#options;
    const begun = clock.monotonic();
    const line = spiffeId(identity);
    const turn = { line, instance: `${line} ${instance ?? ''}` };
    const paced = await this.#pace.run(turn, () => this.#tried(work));
    const signing = paced.kind === 'busy' ? paced : paced.value;
    if (signing.kind === 'signed') metrics.certificateSeconds.observe((clock.monotonic() - begun) / 1000);
    return this.#audited({ identity: line, instance }, purpose, signing);
  }

  async #tried<Certificate>(work: () => Promise<Signing<Certificate>>): Promise<Signing<Certificate>> {
    const { log, metrics } = this.#options;
    if (this.#breaker.isOpen) {
      return { kind: 'unavailable', reason: 'nothing can be signed: the last certificates could not be' };
    }
    try {
      const signing = await work();
      if (signing.kind === 'signed') this.#breaker.succeeded();
      return signing;
    } catch (error) {
      this.#breaker.failed();
      metrics.failedSignings.inc({ error: 'CERT_GEN_ERROR' });
      log.error('a certificate could not be signed', { error });
      return { kind: 'unavailable', reason: 'the certificate could not be signed' };
    }
  }

  #audited<Certificate extends SignedCertificate>(
    subject: LogFields,
    purpose: Purpose,
    signing: Signing<Certificate>,
  ): Signing<Certificate> {
    const { log, metrics } = this.#options;
    if (signing.kind === 'signed') {
      const { chain, notAfter } = signing.certificate;
      const serial = new X509Certificate(chain[0] ?? '').serialNumber;
      metrics.issuedCertificates.inc({ for: purpose });
      log.info('audit: a certificate was issued', { ...subject, for: purpose, serial, ends: iso(notAfter) });
    } else {
      const { kind, reason }: SigningRefusal = signing;
      metrics.refusedCertificates.inc({ reason: kind });
      log.warn('audit: a certificate was refused', { ...subject, for: purpose, kind, reason });
    }
    return signing;
  }
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
