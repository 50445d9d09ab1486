import type { experimental } from '@grpc/grpc-js';
import type { TlsIdentity } from './protocol.ts';

type IdentityListener = experimental.IdentityCertificateUpdateListener;
type CaListener = experimental.CaCertificateUpdateListener;

/** Certificates in the form in which grpc-js lets them be replaced. */
export class ReplaceableIdentity implements experimental.CertificateProvider {
  readonly #identityListeners = new Set<IdentityListener>();
  readonly #caListeners = new Set<CaListener>();
  #tls: TlsIdentity;

  constructor(tls: TlsIdentity) {
    this.#tls = tls;
  }

  replace(tls: TlsIdentity): void {
    this.#tls = tls;
    for (const listener of this.#identityListeners) this.#tellIdentity(listener);
    for (const listener of this.#caListeners) this.#tellCa(listener);
  }

  // What grpc-js hears during the registration it forgets.

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    queueMicrotask(() => this.#tellIdentity(listener));
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    queueMicrotask(() => this.#tellCa(listener));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  #tellIdentity(listener: IdentityListener): void {
    listener({ certificate: Buffer.from(this.#tls.certificate), privateKey: Buffer.from(this.#tls.key) });
  }

  #tellCa(listener: CaListener): void {
    listener({ caCertificate: Buffer.from(this.#tls.clientCa) });
  }
}
