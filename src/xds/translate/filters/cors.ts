import type { Cors } from '../../../model/routing.ts';
import type * as envoy from '../../envoy.ts';
import { percentOfMillion } from '../../envoy.ts';
import { pack } from '../../proto.ts';
import { stringMatcher } from '../string-match.ts';
import type { HttpFilter } from './http-filter.ts';

/** Answers browsers that ask whether a page of another origin may call (policy A18). */
export const cors: HttpFilter = {
  name: 'envoy.filters.http.cors',
  listener: ({ direction }) =>
    direction === 'outbound' ? pack('envoy.extensions.filters.http.cors.v3.Cors', {}) : undefined,
  route: (rule) =>
    rule.cors === undefined
      ? undefined
      : pack('envoy.extensions.filters.http.cors.v3.CorsPolicy', corsPolicy(rule.cors)),
};

function corsPolicy(asked: Cors): envoy.CorsPolicy {
  return {
    allowOriginStringMatch: asked.allowOrigins.map(stringMatcher),
    // Envoy wants lists as the text of the header that it will write.
    allowMethods: asked.allowMethods.join(','),
    allowHeaders: asked.allowHeaders.join(','),
    exposeHeaders: asked.exposeHeaders.join(','),
    maxAge: asked.maxAgeMs === undefined ? undefined : String(Math.round(asked.maxAgeMs / 1000)),
    allowCredentials: asked.allowCredentials === undefined ? undefined : { value: asked.allowCredentials },
    filterEnabled: { defaultValue: percentOfMillion(100) },
    forwardNotMatchingPreflights: { value: asked.forwardUnmatchedPreflights },
  };
}
