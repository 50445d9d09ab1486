import type { Caller } from '../identity/caller.ts';
import type { Proxy } from '../model/proxy.ts';
import { askerOf, authorize } from './authorization.ts';
import { frameContent } from './fragment.ts';
import type * as envoy from './envoy.ts';
import type { StreamFacts } from './observer.ts';
import { ownCertificateSecret, trustBundleSecret } from './names.ts';
import type { View } from './outbox.ts';
import { encodePublishable } from './publishable.ts';
import type { Resource } from './resources.ts';
import type { StreamHost } from './stream-host.ts';
import type { ViewOwner } from './view.ts';
import { stampOf, ViewSum } from './view-version.ts';

/**
 * Secrets on the stream of the proxy that they belong to (istio-compat I66). They come from no scope and no query: what a private key
 * stands in is held by the one stream that it goes to, and by nothing that is shared, shown or kept (reliability S5, S23).
 */

/** PEM throughout. */
export type Secret = KeyPair | TrustBundle;

interface KeyPair {
  readonly kind: 'key-pair';
  readonly privateKey: string;
  /** Leaf first. */
  readonly chain: readonly string[];
}

/** The same object for all who are given the same. */
interface TrustBundle {
  readonly kind: 'trust-bundle';
  readonly certificates: string;
}

/** Where secrets come from. */
export interface SecretSource {
  /**
   * Follows a secret on behalf of a caller that may have it.
   *
   * @param changed called with what the secret is, at once or as soon as that is known, and whenever it has changed
   * @returns ends it
   */
  follow(caller: Caller, name: SecretName, changed: (secret: Secret) => void): () => void;
}

/** A source that never knows anything. */
export const noSecrets: SecretSource = { follow: () => () => undefined };

export type SecretName = 'own-certificate' | 'trust-bundle';

const secretNames: Readonly<Record<string, SecretName>> = {
  [ownCertificateSecret]: 'own-certificate',
  [trustBundleSecret]: 'trust-bundle',
};

export interface SecretViewOptions {
  readonly proxy: Proxy;
  readonly facts: StreamFacts;
  /** undefined: nobody knows who it is. */
  readonly caller: Caller | undefined;
  readonly host: Pick<StreamHost, 'secrets' | 'observer' | 'clock' | 'store'>;
  readonly owner: ViewOwner;
}

interface Followed {
  resource: Resource | undefined;
  stop: () => void;
}

/** The secrets that one stream follows, by name: there is no asking for all. Names that are not the proxy's exist nowhere. */
export class SecretView implements View {
  readonly named = new Set<string>();
  readonly #options: SecretViewOptions;
  readonly #followed = new Map<string, Followed>();

  constructor(options: SecretViewOptions) {
    this.#options = options;
  }

  follow(name: string): string {
    if (this.named.has(name)) return name;
    this.named.add(name);
    const { caller, proxy, facts: stream, host } = this.#options;
    const decision = authorize(askerOf(caller), { kind: 'secret', name, origin: proxy.secrets });
    const secret = Object.hasOwn(secretNames, name) ? secretNames[name] : undefined;
    if (decision.kind === 'denied') host.observer.denied({ stream, type: 'secret', name, reason: decision.reason });
    if (decision.kind === 'denied' || caller === undefined || secret === undefined) return name;
    const followed: Followed = { resource: undefined, stop: () => undefined };
    this.#followed.set(name, followed);
    let isFirst = true;
    followed.stop = host.secrets.follow(caller, secret, (secret) => {
      const previous = followed.resource;
      followed.resource = resourceOf(secret);
      // What is there at once is no change.
      if (!isFirst && previous?.version !== followed.resource.version) this.#tell(name, previous);
    });
    isFirst = false;
    return name;
  }

  unfollow(name: string): void {
    this.named.delete(name);
    this.#followed.get(name)?.stop();
    this.#followed.delete(name);
  }

  followAll(): void {
    // A wildcard stands for no secret.
  }

  unfollowAll(): void {
    // As above.
  }

  resource(name: string): Resource | undefined {
    return this.#followed.get(name)?.resource;
  }

  awaits(name: string): boolean {
    const followed = this.#followed.get(name);
    return followed !== undefined && followed.resource === undefined;
  }

  names(): Iterable<string> {
    return [];
  }

  *resources(): Iterable<Resource> {
    for (const { resource } of this.#followed.values()) if (resource !== undefined) yield resource;
  }

  version(): string {
    const sum = new ViewSum();
    for (const { name, version } of this.resources()) sum.add(stampOf(name, version));
    return sum.toString();
  }

  /** Secrets belong to a proxy whatever its scopes are. */
  setScopes(): void {
    // Nothing follows from it.
  }

  close(): void {
    for (const name of [...this.named]) this.unfollow(name);
  }

  #tell(name: string, previous: Resource | undefined): void {
    const { owner, host } = this.#options;
    const now = host.clock.now();
    const publication = { cause: { source: 'identity', at: now }, committedAt: now, sequence: host.store.sequence };
    owner.changed(name, previous, publication);
  }
}

/** Those of bundles, which are no secret: made once for all who are given the same. */
const bundles = new WeakMap<TrustBundle, Resource>();

function resourceOf(secret: Secret): Resource {
  switch (secret.kind) {
    case 'key-pair': {
      const { chain, privateKey } = secret;
      const certificateChain = { inlineBytes: Buffer.from(chain.join('')) };
      const tlsCertificate = { certificateChain, privateKey: { inlineBytes: Buffer.from(privateKey) } };
      return encoded(ownCertificateSecret, { tlsCertificate });
    }
    case 'trust-bundle': {
      let bundle = bundles.get(secret);
      if (bundle === undefined) {
        const trustedCa = { inlineBytes: Buffer.from(secret.certificates) };
        bundle = encoded(trustBundleSecret, { validationContext: { trustedCa } });
        bundles.set(secret, bundle);
      }
      return bundle;
    }
  }
}

function encoded(name: string, content: Omit<envoy.Secret, 'name'>): Resource {
  const type = 'envoy.extensions.transport_sockets.tls.v3.Secret';
  const framed = frameContent(type, name, encodePublishable(type, { name, ...content }));
  return { type: 'secret', name, ...framed, children: [], provenance: [] };
}
