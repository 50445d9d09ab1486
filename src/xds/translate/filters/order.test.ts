import { expect, it } from 'vitest';
import { aRule } from '../../../../test/support/routing-builders.ts';
import type { HttpFilterFacts } from './http-filter.ts';
import { noSecurity } from '../../../../test/support/security.ts';
import { httpFilters, perRouteConfiguration } from './order.ts';

function namesOf(facts: HttpFilterFacts): readonly (string | undefined)[] {
  return httpFilters(facts).map(({ name }) => name?.replace('envoy.filters.http.', ''));
}

it('passes requests through faults and cross-origin rules at the client, and at last to the router (policy/P151)', () => {
  expect(namesOf({ direction: 'outbound', meshProtocols: [] })).toEqual(['fault', 'cors', 'router']);
  expect(namesOf({ direction: 'inbound', protocol: 'http', security: noSecurity })).toEqual(['router']);
});

it('lets browsers call gRPC at the server that speaks it alone (policy/P301)', () => {
  expect(namesOf({ direction: 'inbound', protocol: 'grpc-web', security: noSecurity })).toEqual(['grpc_web', 'router']);
  expect(namesOf({ direction: 'inbound', protocol: 'grpc', security: noSecurity })).toEqual(['router']);
});

it('asks nothing of a filter for a rule that says nothing', () => {
  expect(perRouteConfiguration(aRule())).toEqual({});
});
