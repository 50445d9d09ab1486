import type {
  CertificateAuthority,
  CertificateSubject,
  KeyAndCertificate,
  Signing,
} from '../../src/identity/certificate-authority.ts';

/** An authority that signs nothing and says what the test wants. */
export class HandFedAuthority implements CertificateAuthority {
  readonly trustDomain = 'cluster.local';
  trustBundle = 'ROOT ONE';
  /** Milliseconds since 1970. */
  notAfter = 0;
  refusal: Exclude<Signing<never>, { kind: 'signed' }> | undefined;
  readonly issued: CertificateSubject[] = [];
  readonly followers = new Set<() => void>();

  issue(subject: CertificateSubject): Promise<Signing<KeyAndCertificate>> {
    this.issued.push(subject);
    if (this.refusal !== undefined) return Promise.resolve(this.refusal);
    const text = `${subject.identity.serviceAccount} ${this.issued.length}`;
    const { notAfter } = this;
    const certificate = { privateKey: `KEY OF ${text}`, chain: [`CERTIFICATE OF ${text}`], notBefore: 0, notAfter };
    return Promise.resolve({ kind: 'signed', certificate });
  }

  sign(): Promise<never> {
    return Promise.reject(new Error('not asked for'));
  }

  issueServer(): Promise<never> {
    return Promise.reject(new Error('not asked for'));
  }

  follow(changed: () => void): () => void {
    this.followers.add(changed);
    return () => void this.followers.delete(changed);
  }

  /** Another bundle from now on. */
  rotate(trustBundle: string): void {
    this.trustBundle = trustBundle;
    for (const changed of [...this.followers]) changed();
  }
}
