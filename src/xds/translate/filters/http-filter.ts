import type { Protocol } from '../../../model/protocol.ts';
import type { HttpRule } from '../../../model/routing.ts';
import type * as envoy from '../../envoy.ts';

/** What the HTTP filters of a chain may depend on. */
export type HttpFilterFacts =
  | { readonly direction: 'outbound' }
  | {
      readonly direction: 'inbound';
      /** Of the only port that the chain serves; `auto` when there are many. */
      readonly protocol: Protocol;
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
