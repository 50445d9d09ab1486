import type { z } from 'zod';
import { largestObject } from '../limits.ts';
import { double, duration, flag, int32, list, map, message, text, uint32, words } from './fields.ts';

const stringMatch = message({ exact: text, prefix: text, regex: text });
const percent = message({ value: double });
const destination = message({ host: text, subset: text, port: message({ number: uint32 }) }, ['host']);

const headerOperations = message({ set: map(text), add: map(text), remove: list(text) });
const headers = message({ request: headerOperations, response: headerOperations });

const httpMatch = message({
  name: text,
  uri: stringMatch.describe('Path of the request, without its query.'),
  scheme: stringMatch,
  method: stringMatch.describe('HTTP method, in capitals.'),
  authority: stringMatch.describe('Host that was asked for, with its port.'),
  headers: map(stringMatch).describe('Headers that must be there, by name in lower case; {} asks for presence.'),
  withoutHeaders: map(stringMatch).describe('Headers that must not match.'),
  queryParams: map(stringMatch).describe('Parameters of the query that must be there.'),
  ignoreUriCase: flag.describe('Compare uri without regard to case.'),
  port: uint32,
  sourceLabels: map(text).describe('Labels of the workloads whose requests are meant.'),
  sourceNamespace: text.describe('Namespace of the workloads whose requests are meant.'),
  gateways: list(text),
  statPrefix: text,
});

const httpRedirect = message({
  uri: text,
  prefixRewrite: text,
  authority: text,
  scheme: text,
  port: uint32,
  derivePort: words('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
  redirectCode: uint32,
});

export const httpRetry = message({
  attempts: int32,
  perTryTimeout: duration,
  retryOn: text,
  backoff: duration,
  retryRemoteLocalities: flag,
  retryIgnorePreviousHosts: flag,
});

const httpFault = message({
  delay: message({ fixedDelay: duration, exponentialDelay: duration, percent: int32, percentage: percent }),
  abort: message({ httpStatus: int32, grpcStatus: text, http2Error: text, percentage: percent }),
});

const corsPolicy = message({
  allowOrigin: list(text),
  allowOrigins: list(stringMatch),
  allowMethods: list(text),
  allowHeaders: list(text),
  exposeHeaders: list(text),
  maxAge: duration,
  allowCredentials: flag,
  unmatchedPreflights: words('UNSPECIFIED', 'FORWARD', 'IGNORE'),
});

const httpRoute = message({
  name: text.describe('Name of the route, for people.'),
  match: list(httpMatch).describe('Conditions, any of which will do; none: every request.'),
  route: list(message({ destination, weight: int32, headers }, ['destination'])),
  redirect: httpRedirect.describe('Answer with a redirect instead of sending the request on.'),
  directResponse: message({ status: uint32, body: message({ string: text, bytes: text }) }, ['status']),
  delegate: message({ name: text, namespace: text }).describe(
    'Another VirtualService that has the routes. Not in force yet.',
  ),
  rewrite: message({ uri: text, authority: text, uriRegexRewrite: message({ match: text, rewrite: text }) }),
  timeout: duration,
  retries: httpRetry.describe('Try again what failed.'),
  fault: httpFault.describe('Delay or fail requests on purpose.'),
  mirror: destination.describe('Send a copy of each request there as well, and ignore the answer.'),
  mirrors: list(message({ destination, percentage: percent }, ['destination'])).describe(
    'Send copies there as well, and ignore the answers.',
  ),
  mirrorPercent: uint32,
  mirror_percent: uint32,
  mirrorPercentage: percent,
  corsPolicy: corsPolicy.describe('Answer preflight requests of browsers.'),
  headers: headers.describe('Change headers of requests and responses.'),
});

const routeDestination = message({ destination, weight: int32 }, ['destination']);

const tlsMatch = message(
  {
    sniHosts: list(text),
    destinationSubnets: list(text),
    port: uint32,
    sourceLabels: map(text),
    sourceNamespace: text,
    gateways: list(text),
  },
  ['sniHosts'],
);

const tcpMatch = message({
  destinationSubnets: list(text),
  port: uint32,
  sourceSubnet: text,
  sourceLabels: map(text),
  sourceNamespace: text,
  gateways: list(text),
});

/** `networking.istio.io` VirtualService, versions v1, v1beta1 and v1alpha3 alike. */
export const virtualServiceSchema = message({
  hosts: list(text, largestObject.hosts).describe(
    'Whose requests are routed: names of services, *.suffix, or addresses. A name without a dot is in the namespace of the object.',
  ),
  gateways: list(text).describe('Where the routes hold; mesh is all sidecars, and the default.'),
  http: list(httpRoute, largestObject.routes).describe('Routes for HTTP, tried in this order.'),
  tls: list(message({ match: list(tlsMatch), route: list(routeDestination) }, ['match'])),
  tcp: list(message({ match: list(tcpMatch), route: list(routeDestination) })).describe(
    'Routes for other connections.',
  ),
  exportTo: list(text).describe('Namespaces that see the object: names, . for its own, * for all.'),
});

export type VirtualServiceSpec = z.infer<typeof virtualServiceSchema>;
export type HttpRouteSpec = z.infer<typeof httpRoute>;
export type HttpMatchSpec = z.infer<typeof httpMatch>;
export type StringMatchSpec = z.infer<typeof stringMatch>;
export type DestinationSpec = z.infer<typeof destination>;
export type HeadersSpec = z.infer<typeof headers>;
export type HeaderOperationsSpec = z.infer<typeof headerOperations>;
export type HttpRetrySpec = z.infer<typeof httpRetry>;
export type HttpFaultSpec = z.infer<typeof httpFault>;
export type CorsSpec = z.infer<typeof corsPolicy>;
export type TlsMatchSpec = z.infer<typeof tlsMatch>;
export type TcpMatchSpec = z.infer<typeof tcpMatch>;
export type RouteDestinationSpec = z.infer<typeof routeDestination>;
