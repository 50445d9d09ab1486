import type { ViolationCode } from './violation-codes.ts';

/** What can be wrong with an object that says who may call (policy 1.8, 1.9): part of the catalogue in `violation-codes.ts`. */
export const securityCodes = {
  WEIR1501: {
    title: 'Impossible wildcard',
    meaning: 'A value of an AuthorizationPolicy has a * in its middle, or several',
    remedy: 'Write value, value*, *value or * alone; several values are alternatives',
  },
  WEIR1502: {
    title: 'Not an identity',
    meaning: 'A principal, namespace, trust domain or service account is not of the form in which certificates have it',
    remedy:
      'Write principals as TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT, accounts as NAMESPACE/ACCOUNT, without spiffe://',
  },
  WEIR1503: {
    title: 'Impossible path template',
    meaning: 'A path with braces is not made of whole segments, or has something in braces behind {**}',
    remedy: 'Write /with/{*}/for one segment, and {**} for several',
  },
  WEIR1504: {
    title: 'Unknown condition',
    meaning: 'The key of a condition under when is nothing that can be looked at',
    remedy: 'Use a key that the message lists',
  },
  WEIR1505: {
    title: 'Provider and action do not fit',
    meaning: 'A policy with the action CUSTOM names no provider, or another one names a provider',
    remedy: 'Name one of the extensionProviders with CUSTOM, and none with other actions',
  },
  WEIR1506: {
    title: 'Impossible address of keys',
    meaning: 'The address of a key set is no http or https address, or has a user, a password or a fragment',
    remedy: 'Write the address at which the issuer publishes its keys',
  },
  WEIR1507: {
    title: 'Impossible key set',
    meaning: 'The keys in a RequestAuthentication are no JSON Web Key Set, or private ones are among them',
    remedy: 'Write the public keys; replace a private key that was published',
  },
} as const satisfies Readonly<Record<string, ViolationCode>>;
