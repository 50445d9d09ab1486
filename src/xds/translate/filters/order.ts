import type { HttpRule } from '../../../model/routing.ts';
import type * as envoy from '../../envoy.ts';
import { allow, audit, deny } from './authorization.ts';
import { cors } from './cors.ts';
import { externalAuthorization } from './external-authorization.ts';
import { fault } from './fault.ts';
import { grpcWeb } from './grpc-web.ts';
import type { HttpFilter, HttpFilterFacts } from './http-filter.ts';
import { meshProtocol } from './mesh-protocol.ts';
import { router } from './router.ts';
import { tokenAuthentication } from './token-authentication.ts';

/**
 * Every HTTP filter but those that consult others, which come before them (policy P142), in the order in which requests pass them (policy
 * P151): who may call comes first, then what is counted, then what is done to the request, and at last where it goes.
 */
const filters: readonly HttpFilter[] = [
  tokenAuthentication,
  audit,
  deny,
  allow,
  grpcWeb,
  meshProtocol,
  fault,
  cors,
  router,
];

/** The HTTP filters of a chain. */
export function httpFilters(facts: HttpFilterFacts): envoy.HttpFilter[] {
  const consulting = facts.direction === 'inbound' ? facts.security.authorization.consultations : [];
  const others = filters.flatMap(({ name, listener }) => {
    const typedConfig = listener(facts);
    return typedConfig === undefined ? [] : [{ name, typedConfig }];
  });
  return [...externalAuthorization(consulting), ...others];
}

/** What a rule asks of the filters that its requests pass. */
export function perRouteConfiguration(rule: HttpRule): Record<string, envoy.Any> {
  return Object.fromEntries(
    filters.flatMap(({ name, route }) => {
      const config = route(rule);
      return config === undefined ? [] : [[name, config] as const];
    }),
  );
}
