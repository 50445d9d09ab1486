import type { Provenance } from '../../model/provenance.ts';
import type { HttpMatch, HttpRule } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';
import { perRouteConfiguration } from './filters/order.ts';
import { headerFields, type HeaderFields } from './header-operations.ts';
import { directResponseAction, redirectAction } from './redirect.ts';
import type { TargetCluster } from './destination.ts';
import { forwardRoute, type RouteSurroundings } from './route-action.ts';
import { translateMatch } from './route-match.ts';

/** The Envoy routes of one host: one per rule and match block, in order (policy P101). */
export function translateRules(rules: readonly HttpRule[], around: RouteSurroundings): readonly envoy.Route[] {
  return rules.flatMap((rule) => {
    const blocks: readonly (HttpMatch | undefined)[] = rule.matches.length === 0 ? [undefined] : rule.matches;
    return blocks.map((block) => translateRule(rule, block, around));
  });
}

interface RouteParts {
  readonly action: Pick<envoy.Route, 'route' | 'redirect' | 'directResponse'>;
  readonly headers: HeaderFields;
  readonly cluster: TargetCluster | undefined;
}

function translateRule(rule: HttpRule, block: HttpMatch | undefined, around: RouteSurroundings): envoy.Route {
  const { action, headers, cluster } = routeParts(rule, block, around);
  const match = translateMatch(block, around.dialect);
  return {
    name: [rule.name, block?.name ?? ''].filter((part) => part !== '').join('.'),
    match,
    ...action,
    metadata: originMetadata(rule.provenance),
    decorator: { operation: operation(match, cluster ?? { host: rule.provenance.name, port: around.port }) },
    typedPerFilterConfig: perRouteConfiguration(rule),
    ...headers,
    statPrefix: block?.statPrefix,
  };
}

function routeParts(rule: HttpRule, block: HttpMatch | undefined, around: RouteSurroundings): RouteParts {
  const { action } = rule;
  switch (action.kind) {
    case 'forward':
      return forwardRoute(rule, action, block?.path, around);
    case 'redirect':
      return {
        action: { redirect: redirectAction(action, around.port) },
        headers: headerFields(rule.headers),
        cluster: undefined,
      };
    case 'direct-response':
      return {
        action: { directResponse: directResponseAction(action) },
        headers: headerFields(rule.headers),
        cluster: undefined,
      };
  }
}

/** The API path of the object behind a route, where Istio's tools look for it (istio-compat I139). */
export function originMetadata(provenance: Provenance): envoy.Metadata {
  const [group = '', kind = ''] = provenance.kind.split('/');
  const path = `/apis/${group}/v1/namespaces/${provenance.namespace}/${kebabCase(kind)}/${provenance.name}`;
  return { filterMetadata: { istio: { fields: { config: { stringValue: path } } } } };
}

/** What a trace calls the request: host, port and path. */
export function operation(match: envoy.RouteMatch, target: Pick<TargetCluster, 'host' | 'port'>): string {
  const path = match.path ?? match.safeRegex?.regex ?? `${match.prefix ?? match.pathSeparatedPrefix ?? '/'}*`;
  return `${target.host}:${target.port}${path}`;
}

function kebabCase(kind: string): string {
  return kind
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}
