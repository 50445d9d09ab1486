import type { TokenRule } from '../../../model/authentication.ts';
import type { Protocol } from '../../../model/protocol.ts';
import type { HttpRule } from '../../../model/routing.ts';
import type { WorkloadAuthorization } from '../../../policy/authorization.ts';
import type * as envoy from '../../envoy.ts';

/** Who may call the workload. */
export interface InboundSecurity {
  readonly authorization: WorkloadAuthorization;
  readonly tokens: readonly TokenCheck[];
}

/** Tokens that may be shown, and the public keys by which they are checked; undefined: none are known. */
export interface TokenCheck {
  readonly rule: TokenRule;
  readonly keys: string | undefined;
}

/** What the HTTP filters of a chain may depend on. */
export type HttpFilterFacts =
  | {
      readonly direction: 'outbound';
      /** By which requests say inside the mesh's TLS what they are; empty: as the cluster says. */
      readonly meshProtocols: readonly string[];
    }
  | {
      readonly direction: 'inbound';
      /** Of the only port that the chain serves; `auto` when there are many. */
      readonly protocol: Protocol;
      readonly security: InboundSecurity;
    };

/** One Envoy feature: what it adds to a listener's filters, and what it adds to a route. */
export interface HttpFilter {
  /** Name under which both Envoy's filter and its per-route configuration go. */
  readonly name: string;
  /** The filter's configuration for a whole chain; undefined: the chain does without the filter. */
  readonly listener: (facts: HttpFilterFacts) => envoy.Any | undefined;
  /** What the rule asks of the filter; undefined: nothing. */
  readonly route: (rule: HttpRule) => envoy.Any | undefined;
}
