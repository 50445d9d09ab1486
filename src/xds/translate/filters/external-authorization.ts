import type { AuthorizationPolicy } from '../../../model/authorization.ts';
import type { AuthorizationProvider, HttpCheck } from '../../../model/authorization-provider.ts';
import type { ProviderConsultation } from '../../../policy/authorization.ts';
import { unknownOfConnections, withoutKnowledge } from '../../../policy/authorization-knowledge.ts';
import type * as envoy from '../../envoy.ts';
import { milliseconds } from '../../envoy.ts';
import { clusterName } from '../../names.ts';
import { pack } from '../../proto.ts';
import {
  consultationPrefix,
  consultedRuleName,
  consultedRulePrefix,
  unconsultedRuleName,
} from './authorization-names.ts';
import { rbacRules } from './rbac-rules.ts';
import { statusCodes } from './status-codes.ts';

/**
 * Calls that another service decides about (policy Z18): RBAC notes which rule matches, and the filter behind it asks the provider of that
 * rule. Where the provider is not there, what matches is refused (policy P427).
 */

export function externalAuthorization(consultations: readonly ProviderConsultation[]): readonly envoy.HttpFilter[] {
  return consultations.flatMap(({ name, provider, policies }) => {
    const rbac = 'envoy.filters.http.rbac';
    if (provider === undefined) {
      const config: envoy.HttpRBAC = { rules: rbacRules('DENY', policies, unconsultedRuleName) };
      return [{ name: rbac, typedConfig: pack('envoy.extensions.filters.http.rbac.v3.RBAC', config) }];
    }
    const question = pack('envoy.extensions.filters.http.rbac.v3.RBAC', noting(name, policies));
    const answer = pack('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
      ...httpCheck(provider),
      filterEnabledMetadata: notedBy(rbac, name),
    });
    return [
      { name: rbac, typedConfig: question },
      { name: 'envoy.filters.http.ext_authz', typedConfig: answer },
    ];
  });
}

/** Connections: a provider that speaks HTTP cannot be asked about them. */
export function externalNetworkAuthorization(consultations: readonly ProviderConsultation[]): readonly envoy.Filter[] {
  return consultations.flatMap(({ name, provider, policies: all }) => {
    const rbac = 'envoy.filters.network.rbac';
    const policies = all.map((policy) => withoutKnowledge(policy, unknownOfConnections));
    if (provider?.protocol.kind !== 'grpc') {
      const config: envoy.NetworkRBAC = {
        rules: rbacRules('DENY', policies, unconsultedRuleName),
        statPrefix: 'tcp.',
      };
      return [{ name: rbac, typedConfig: pack('envoy.extensions.filters.network.rbac.v3.RBAC', config) }];
    }
    const question = pack('envoy.extensions.filters.network.rbac.v3.RBAC', {
      ...noting(name, policies),
      statPrefix: 'tcp.',
    });
    const answer = pack('envoy.extensions.filters.network.ext_authz.v3.ExtAuthz', {
      statPrefix: 'tcp.',
      grpcService: grpcService(provider),
      failureModeAllow: provider.failsOpen,
      transportApiVersion: 'V3',
      filterEnabledMetadata: notedBy(rbac, name),
    });
    return [
      { name: rbac, typedConfig: question },
      { name: 'envoy.filters.network.ext_authz', typedConfig: answer },
    ];
  });
}

function noting(
  provider: string,
  policies: readonly AuthorizationPolicy[],
): Pick<envoy.HttpRBAC, 'shadowRules' | 'shadowRulesStatPrefix'> {
  return {
    shadowRules: rbacRules('DENY', policies, consultedRuleName(provider)),
    shadowRulesStatPrefix: consultationPrefix,
  };
}

function notedBy(filter: string, provider: string): envoy.MetadataMatcher {
  return {
    filter,
    path: [{ key: `${consultationPrefix}shadow_effective_policy_id` }],
    value: { stringMatch: { prefix: consultedRulePrefix(provider) } },
  };
}

function httpCheck(provider: AuthorizationProvider): envoy.ExtAuthz {
  const { failsOpen, statusOnError, requestBody, clearsRouteCache, protocol } = provider;
  return {
    ...(protocol.kind === 'grpc' ? { grpcService: grpcService(provider) } : httpService(provider, protocol)),
    transportApiVersion: 'V3',
    failureModeAllow: failsOpen,
    statusOnError: statusOnError === undefined ? undefined : { code: statusCodes.get(statusOnError) ?? 'Forbidden' },
    clearRouteCache: clearsRouteCache,
    withRequestBody:
      requestBody === undefined
        ? undefined
        : {
            maxRequestBytes: requestBody.maximumBytes,
            allowPartialMessage: requestBody.allowsPart,
            packAsBytes: requestBody.asBytes,
          },
  };
}

function grpcService({ host, port, timeoutMs }: AuthorizationProvider): envoy.GrpcService {
  return {
    envoyGrpc: { clusterName: clusterName('outbound', port, '', host), authority: host },
    timeout: milliseconds(timeoutMs),
  };
}

function httpService(
  { host, port, timeoutMs }: AuthorizationProvider,
  check: HttpCheck,
): Pick<envoy.ExtAuthz, 'httpService' | 'allowedHeaders'> {
  return {
    httpService: {
      pathPrefix: check.pathPrefix,
      serverUri: {
        uri: `http://${host}:${port}`,
        cluster: clusterName('outbound', port, '', host),
        timeout: milliseconds(timeoutMs),
      },
      authorizationRequest: {
        headersToAdd: check.addedHeaders.map(([key, value]) => ({ key, value })),
      },
      authorizationResponse: {
        allowedUpstreamHeaders: headerNames(check.headersToApplication),
        allowedClientHeaders: headerNames(check.headersToCallerOnRefusal),
        allowedClientHeadersOnSuccess: headerNames(check.headersToCallerOnSuccess),
      },
    },
    allowedHeaders: headerNames(check.requestHeaders),
  };
}

function headerNames(names: readonly string[]): envoy.ListStringMatcher | undefined {
  if (names.length === 0) return undefined;
  return { patterns: names.map(headerName) };
}

function headerName(name: string): envoy.StringMatcher {
  const ignoreCase = true;
  if (name === '*') return { safeRegex: { regex: '.*' } };
  if (name.endsWith('*')) return { prefix: name.slice(0, -1), ignoreCase };
  return name.startsWith('*') ? { suffix: name.slice(1), ignoreCase } : { exact: name, ignoreCase };
}
