import type { Provenance } from '../../src/model/provenance.ts';
import type {
  Forward,
  HeaderManipulation,
  HttpMatch,
  HttpRule,
  Retries,
  WeightedDestination,
} from '../../src/model/routing.ts';

/** Routing in mesh words, with everything that a test does not name left at what holds when nobody says anything. */

const anOrigin: Provenance = {
  kind: 'networking.istio.io/VirtualService',
  namespace: 'shop',
  name: 'reviews',
  origin: { source: 'files' },
};

export function aMatch(match: Partial<HttpMatch> = {}): HttpMatch {
  return {
    name: '',
    path: undefined,
    ignorePathCase: false,
    method: undefined,
    scheme: undefined,
    authority: undefined,
    headers: [],
    query: [],
    statPrefix: '',
    ...match,
  };
}

/** @param destination `host`, `host:port` or `host:port/subset` */
export function aDestination(destination: string, weighted: Partial<WeightedDestination> = {}): WeightedDestination {
  const [address = '', subset = ''] = destination.split('/');
  const [host = '', port] = address.split(':');
  return {
    destination: { host, subset, port: port === undefined ? undefined : Number(port), provenance: anOrigin },
    weight: 1,
    headers: undefined,
    ...weighted,
  };
}

export function aForward(forward: Partial<Forward> = {}): Forward {
  return { kind: 'forward', destinations: [aDestination('reviews:80')], rewrite: undefined, mirrors: [], ...forward };
}

export function aRule(rule: Partial<HttpRule> = {}): HttpRule {
  return {
    name: '',
    matches: [],
    action: aForward(),
    headers: undefined,
    timeoutMs: undefined,
    retries: undefined,
    fault: undefined,
    cors: undefined,
    provenance: anOrigin,
    ...rule,
  };
}

export function someRetries(retries: Partial<Retries> = {}): Retries {
  return {
    attempts: 3,
    perTryTimeoutMs: undefined,
    on: undefined,
    statusCodes: [],
    backOffMs: undefined,
    remoteLocalities: false,
    ignorePreviousHosts: true,
    ...retries,
  };
}

export function someHeaders(
  request: Partial<HeaderManipulation['request']>,
  response: Partial<HeaderManipulation['response']> = {},
): HeaderManipulation {
  const nothing = { set: [], add: [], remove: [] };
  return { request: { ...nothing, ...request }, response: { ...nothing, ...response } };
}
