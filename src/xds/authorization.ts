import type { Caller } from '../identity/caller.ts';
import type { SecretOrigin } from '../model/identity.ts';
import { ownCertificateSecret, trustBundleSecret } from './names.ts';
import type { DenialReason } from './observer.ts';
import { resourceTypeByName } from './resource-types.ts';

/** Who may have what, in one place (reliability S6, S30, S33, S55, S80): every type of resources, every page, and nothing that is not in here. */

/** Who asks. An address proves nothing: whoever is on this machine is nobody, too (reliability S17). */
export type Asker =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'workload'; readonly caller: Caller }
  /** Runs Weir: reads a file that only the account can read that Weir runs under. */
  | { readonly kind: 'operator' };

export type Asked =
  /** Resources of a type. */
  | { readonly kind: 'type'; readonly type: string }
  /** A secret by its name. @property origin where the proxy gets its secrets from */
  | { readonly kind: 'secret'; readonly name: string; readonly origin: SecretOrigin }
  /** What became of what proxies were sent. */
  | { readonly kind: 'client-status' }
  | { readonly kind: 'certificate' }
  /** A page of the admin server. */
  | { readonly kind: 'page'; readonly path: string };

export type Decision =
  /** @property namespace of what is shown no more than this namespace has; undefined: everything */
  | { readonly kind: 'allowed'; readonly namespace: string | undefined }
  | { readonly kind: 'denied'; readonly reason: DenialReason };

const everything: Decision = { kind: 'allowed', namespace: undefined };
/** They say how Weir does, and nothing of the mesh. */
const openPages: ReadonlySet<string> = new Set(['/', '/ready', '/healthz', '/metrics']);
/** A workload sees what of them is of its namespace. */
const guardedPages: ReadonlySet<string> = new Set(['/status', '/version']);
/** They are about the whole mesh. */
const operatorPages: ReadonlySet<string> = new Set(['/guard']);
const ownSecrets: ReadonlySet<string> = new Set([ownCertificateSecret, trustBundleSecret]);

/** Decides before anything is looked up (reliability S56). What is not known is denied. */
export function authorize(asker: Asker, asked: Asked): Decision {
  switch (asked.kind) {
    case 'type':
      // What a proxy may see of the mesh follows from its scopes; on the plaintext listener, which is there only if it is asked for, too.
      return resourceTypeByName(asked.type) === undefined ? denied('foreign') : everything;
    case 'secret':
      return authorizeSecret(asker, asked.name, asked.origin);
    case 'certificate':
      return asker.kind === 'workload' ? everything : denied('no-identity');
    case 'client-status':
      return ofNamespace(asker);
    case 'page':
      if (openPages.has(asked.path)) return everything;
      if (operatorPages.has(asked.path) && asker.kind !== 'workload') return ofNamespace(asker);
      return guardedPages.has(asked.path) ? ofNamespace(asker) : denied('foreign');
  }
}

function authorizeSecret(asker: Asker, name: string, origin: SecretOrigin): Decision {
  if (asker.kind !== 'workload') return denied('no-identity');
  if (origin !== 'stream') return denied('not-served');
  return ownSecrets.has(name) ? everything : denied('foreign');
}

function ofNamespace(asker: Asker): Decision {
  switch (asker.kind) {
    case 'nobody':
      return denied('no-identity');
    case 'workload':
      return { kind: 'allowed', namespace: asker.caller.identity.namespace };
    case 'operator':
      return everything;
  }
}

function denied(reason: DenialReason): Decision {
  return { kind: 'denied', reason };
}

export function askerOf(caller: Caller | undefined): Asker {
  return caller === undefined ? { kind: 'nobody' } : { kind: 'workload', caller };
}
