import type { Caller } from '../identity/caller.ts';
import type { CertificateAuthority, KeyAndCertificate } from '../identity/certificate-authority.ts';
import { untilRenewal } from '../identity/lifetime.ts';
import type { Clock } from './clock.ts';
import type { Secret, SecretName, SecretSource } from './secrets.ts';

/** Secrets that the certificate authority makes: for each stream a key and certificate of its own, renewed in time. */

export interface IssuedSecretsOptions {
  readonly authority: CertificateAuthority;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Milliseconds until an issue that failed is tried again; twice as long after each further failure. */
const retry = { shortest: 500, longest: 30_000 };

export class IssuedSecrets implements SecretSource {
  readonly #options: IssuedSecretsOptions;
  #bundle: Extract<Secret, { kind: 'trust-bundle' }>;

  constructor(options: IssuedSecretsOptions) {
    this.#options = options;
    this.#bundle = { kind: 'trust-bundle', certificates: options.authority.trustBundle };
  }

  follow(caller: Caller, name: SecretName, changed: (secret: Secret) => void): () => void {
    switch (name) {
      case 'own-certificate':
        return new OwnCertificate(caller, changed, this.#options).stop;
      case 'trust-bundle':
        return this.#followBundle(changed);
    }
  }

  #followBundle(changed: (secret: Secret) => void): () => void {
    let told = this.#currentBundle();
    changed(told);
    return this.#options.authority.follow(() => {
      const current = this.#currentBundle();
      if (current === told) return;
      told = current;
      changed(current);
    });
  }

  #currentBundle(): Extract<Secret, { kind: 'trust-bundle' }> {
    const { trustBundle } = this.#options.authority;
    if (this.#bundle.certificates !== trustBundle) this.#bundle = { kind: 'trust-bundle', certificates: trustBundle };
    return this.#bundle;
  }
}

/** The key and certificate of one stream, from the moment at which they are asked for until it is stopped. */
class OwnCertificate {
  readonly #caller: Caller;
  readonly #changed: (secret: Secret) => void;
  readonly #options: IssuedSecretsOptions;
  #cancel: () => void = () => undefined;
  #hasStopped = false;
  #failures = 0;

  constructor(caller: Caller, changed: (secret: Secret) => void, options: IssuedSecretsOptions) {
    this.#caller = caller;
    this.#changed = changed;
    this.#options = options;
    void this.#issue();
  }

  readonly stop = (): void => {
    this.#hasStopped = true;
    this.#cancel();
  };

  async #issue(): Promise<void> {
    const { identity, instance } = this.#caller;
    const issued = await this.#options.authority
      .issue({ identity, instance })
      .catch((error: unknown) => ({ kind: 'unavailable', reason: String(error) }) as const);
    if (this.#hasStopped) return;
    if (issued.kind === 'signed') {
      this.#failures = 0;
      const { privateKey, chain } = issued.certificate;
      this.#changed({ kind: 'key-pair', privateKey, chain });
      this.#again(this.#untilRenewal(issued.certificate));
    } else {
      this.#again(this.#untilRetry());
    }
  }

  #again(milliseconds: number): void {
    this.#cancel = this.#options.clock.after(milliseconds, () => void this.#issue());
  }

  #untilRenewal({ notAfter }: KeyAndCertificate): number {
    const { clock, random } = this.#options;
    return Math.max(retry.shortest, untilRenewal(notAfter - clock.wallTime(), random()));
  }

  /** The first certificate is what a proxy waits for; a later one has two thirds of a life left. */
  #untilRetry(): number {
    const longest = Math.min(retry.longest, retry.shortest * 2 ** this.#failures++);
    return longest * (1 - this.#options.random() / 2);
  }
}
