import type { Provenance } from './provenance.ts';

/**
 * Who may call what (policy 1.9), in mesh words. A policy has rules; a rule matches a call when one of its `from` (none: anybody), one
 * of its `to` (none: anything) and all of its `when` do.
 */

export type AuthorizationAction =
  { readonly kind: 'allow' } | { readonly kind: 'deny' } | { readonly kind: 'audit' } | Consultation;

/** A provider of the mesh settings is asked about every call that matches, and may refuse it. */
export interface Consultation {
  readonly kind: 'consult';
  readonly provider: string;
}

export interface AuthorizationPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly action: AuthorizationAction;
  /** Its outcome is counted and logged, and decides nothing (policy Z19). */
  readonly dryRun: boolean;
  /** Any of them; none: it matches no call. */
  readonly rules: readonly AuthorizationRule[];
}

export interface AuthorizationRule {
  /** Sets of conditions of which all hold; one set is enough. */
  readonly from: readonly (readonly Condition[])[];
  readonly to: readonly (readonly Condition[])[];
  readonly when: readonly Condition[];
  readonly provenance: Provenance;
}

/** Something of a call equals one of several values or, negated, none of them. */
export type Condition = (
  | { readonly kind: 'text'; readonly subject: TextSubject; readonly matches: readonly TextMatch[] }
  /** Account of the caller's certificate. */
  | { readonly kind: 'account'; readonly matches: readonly AccountName[] }
  | { readonly kind: 'path'; readonly matches: readonly PathMatch[] }
  /** Blocks of addresses in which one end of the connection lies. */
  | { readonly kind: 'address'; readonly subject: AddressSubject; readonly matches: readonly string[] }
  /** Port of the workload that is called. */
  | { readonly kind: 'port'; readonly matches: readonly number[] }
) & {
  readonly negated: boolean;
  /** Path of the field that says so. */
  readonly field: string;
};

export type TextMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'suffix'; readonly value: string }
  /** Anything but nothing. */
  | { readonly kind: 'present' };

export type PathMatch =
  | TextMatch
  /** `{*}` stands for one segment, `{**}` for any number of them. */
  | { readonly kind: 'template'; readonly value: string };

export interface AccountName {
  readonly namespace: string;
  readonly name: string;
}

export type TextSubject =
  /** `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT` of the caller's certificate, and parts of it. */
  | { readonly kind: 'principal' }
  | { readonly kind: 'namespace' }
  | { readonly kind: 'trust-domain' }
  /** `ISSUER/SUBJECT` of the caller's token. */
  | { readonly kind: 'token-principal' }
  /** A claim of the token: a text, or a list that holds it. */
  | { readonly kind: 'claim'; readonly path: readonly string[] }
  | { readonly kind: 'host' }
  | { readonly kind: 'method' }
  /** Lower case. */
  | { readonly kind: 'header'; readonly name: string }
  /** That the caller asks for in its TLS handshake. */
  | { readonly kind: 'server-name' }
  /** What a filter of the proxy found out. */
  | { readonly kind: 'filter-metadata'; readonly filter: string; readonly path: readonly string[] };

/** `peer`: who opened the connection; `client`: who a trusted proxy says stands behind it; `destination`: the workload. */
export type AddressSubject = 'peer' | 'client' | 'destination';

/** What must be known of a call for a condition to be answered. */
export type Knowledge =
  /** The peer's certificate: not there on a connection in the clear. */
  | 'identity'
  /** A token that was verified. */
  | 'token'
  /** A request: not there where connections are not looked into. */
  | 'request'
  /** Addresses and ports: there for every connection. */
  | 'connection';

export function knowledgeFor(condition: Condition): Knowledge {
  switch (condition.kind) {
    case 'account':
      return 'identity';
    case 'path':
      return 'request';
    case 'address':
    case 'port':
      return 'connection';
    case 'text':
      return knowledgeForSubject(condition.subject);
  }
}

function knowledgeForSubject({ kind }: TextSubject): Knowledge {
  switch (kind) {
    case 'principal':
    case 'namespace':
    case 'trust-domain':
      return 'identity';
    case 'token-principal':
    case 'claim':
      return 'token';
    case 'host':
    case 'method':
    case 'header':
      return 'request';
    case 'server-name':
    case 'filter-metadata':
      return 'connection';
  }
}

/** Name of a rule in a proxy's filters, statistics and logs (istio-compat I118). */
export function ruleName({ namespace, name }: Pick<AuthorizationPolicy, 'namespace' | 'name'>, index: number): string {
  return `ns[${namespace}]-policy[${name}]-rule[${index}]`;
}
