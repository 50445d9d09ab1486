import type { Caller } from '../../src/identity/caller.ts';
import type { Secret, SecretName, SecretSource } from '../../src/xds/secrets.ts';

interface Follower {
  readonly caller: Caller;
  readonly name: SecretName;
  readonly changed: (secret: Secret) => void;
}

/** Secrets that come when the test says so. */
export class HandFedSecrets implements SecretSource {
  readonly followers = new Set<Follower>();
  /** What those who follow later are given at once. */
  readonly #known = new Map<string, Secret>();

  follow(caller: Caller, name: SecretName, changed: (secret: Secret) => void): () => void {
    const follower = { caller, name, changed };
    this.followers.add(follower);
    const known = this.#known.get(keyOf(name, caller.identity.serviceAccount));
    if (known !== undefined) changed(known);
    return () => void this.followers.delete(follower);
  }

  /** @param account whose; for the bundle it does not matter */
  give(name: SecretName, account: string, secret: Secret): void {
    this.#known.set(keyOf(name, account), secret);
    for (const follower of [...this.followers]) {
      if (keyOf(follower.name, follower.caller.identity.serviceAccount) === keyOf(name, account))
        follower.changed(secret);
    }
  }
}

function keyOf(name: SecretName, account: string): string {
  return name === 'trust-bundle' ? name : `${name} ${account}`;
}

export function aKeyPair(text: string): Secret {
  return { kind: 'key-pair', privateKey: `KEY OF ${text}`, chain: [`CERTIFICATE OF ${text}`] };
}

export function aTrustBundle(text: string): Secret {
  return { kind: 'trust-bundle', certificates: text };
}

export function aCaller(serviceAccount = 'web', fields: Partial<Caller> = {}): Caller {
  return {
    identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount },
    by: 'certificate',
    instance: undefined,
    expiresAt: Number.MAX_SAFE_INTEGER,
    ...fields,
  };
}
