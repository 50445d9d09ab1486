import type { HttpRule } from '../../../model/routing.ts';
import type * as envoy from '../../envoy.ts';
import { cors } from './cors.ts';
import { fault } from './fault.ts';
import { grpcWeb } from './grpc-web.ts';
import type { HttpFilter, HttpFilterFacts } from './http-filter.ts';
import { router } from './router.ts';

/**
 * Every HTTP filter, in the order in which requests pass them (policy P151): who may call comes first, then what is
 * counted, then what is done to the request, and at last where it goes.
 */
const filters: readonly HttpFilter[] = [grpcWeb, fault, cors, router];

/** The HTTP filters of a chain. */
export function httpFilters(facts: HttpFilterFacts): envoy.HttpFilter[] {
  return filters.flatMap(({ name, listener }) => {
    const typedConfig = listener(facts);
    return typedConfig === undefined ? [] : [{ name, typedConfig }];
  });
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
