import type { ScopeKey } from './keys.ts';

/** The kinds of resources that differ by scope. */
export type ScopedType = 'cluster' | 'endpoints' | 'listener' | 'routes' | 'virtualHosts';

/** The scopes whose resources together are one proxy's view of a type, most general first. */
export type ProxyScopes = Readonly<Record<ScopedType, readonly ScopeKey[]>>;
