import { describe, expect, it } from 'vitest';
import { aDestination, aForward, aRule, someHeaders, someRetries } from '../../../test/support/routing-builders.ts';
import type { Forward, HttpRule } from '../../model/routing.ts';
import { toJson } from '../json.ts';
import { forwardRoute, type RouteSurroundings } from './route-action.ts';

const byHeader = [{ header: { headerName: 'x-user' } }];

function surroundings(around: Partial<RouteSurroundings> = {}): RouteSurroundings {
  return { dialect: 'istio', port: 80, hashPolicyOf: () => [], mayCarryGrpc: () => false, ...around };
}

/** The route's action as JSON, and what it takes for granted left out. */
function actionOf(forward: Partial<Forward>, rule: Partial<HttpRule> = {}, around: Partial<RouteSurroundings> = {}) {
  const { action } = forwardRoute(
    aRule({ retries: someRetries({ attempts: 0 }), ...rule }),
    aForward(forward),
    undefined,
    surroundings(around),
  );
  return toJson('envoy.config.route.v3.RouteAction', action.route ?? {});
}

const noTimeout = { timeout: '0s' };

describe('destinations', () => {
  it('are clusters by host, port and subset (policy/A1)', () => {
    expect(actionOf({ destinations: [aDestination('reviews:9080/v1')] })).toEqual({
      cluster: 'outbound|9080|v1|reviews',
      ...noTimeout,
    });
  });

  it('without a port have that of the listener (policy/P601)', () => {
    expect(actionOf({ destinations: [aDestination('reviews')] }, {}, { port: 8080 })).toMatchObject({
      cluster: 'outbound|8080||reviews',
    });
  });

  it('share requests by weight, and those of weight 0 get none (policy/A2)', () => {
    const destinations = [
      aDestination('reviews:80/v1', { weight: 3 }),
      aDestination('reviews:80/v2', { weight: 1 }),
      aDestination('reviews:80/v3', { weight: 0 }),
    ];
    expect(actionOf({ destinations })).toEqual({
      weightedClusters: {
        clusters: [
          { name: 'outbound|80|v1|reviews', weight: 3 },
          { name: 'outbound|80|v2|reviews', weight: 1 },
        ],
      },
      ...noTimeout,
    });
  });

  it('of which one is left become a single cluster with its headers (policy/A2, policy/A3)', () => {
    const destinations = [
      aDestination('reviews:80/v1', { weight: 1, headers: someHeaders({ set: [['x-version', 'v1']] }) }),
      aDestination('reviews:80/v2', { weight: 0 }),
    ];
    const route = forwardRoute(
      aRule({ headers: someHeaders({ set: [['x-rule', 'r']] }) }),
      aForward({ destinations }),
      undefined,
      surroundings(),
    );
    expect(route.action.route?.cluster).toBe('outbound|80|v1|reviews');
    expect(route.headers.requestHeadersToAdd.map((option) => option.header?.key)).toEqual(['x-version', 'x-rule']);
  });

  it('may each have headers and a host of their own (policy/A3, policy/A9)', () => {
    const headers = someHeaders(
      {
        set: [
          ['host', 'v1.example.com'],
          ['x-version', 'v1'],
        ],
      },
      { remove: ['server'] },
    );
    const destinations = [aDestination('reviews:80/v1', { headers }), aDestination('reviews:80/v2')];
    expect(actionOf({ destinations })).toMatchObject({
      weightedClusters: {
        clusters: [
          {
            name: 'outbound|80|v1|reviews',
            requestHeadersToAdd: [
              { header: { key: 'x-version', value: 'v1' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' },
            ],
            responseHeadersToRemove: ['server'],
            hostRewriteLiteral: 'v1.example.com',
          },
          { name: 'outbound|80|v2|reviews' },
        ],
      },
    });
  });

  it.each([
    ['istio', 503, undefined],
    ['gateway', 500, 'INTERNAL_SERVER_ERROR'],
  ] as const)('that lead nowhere answer in the %s dialect with %i (policy/P13)', (dialect, status, code) => {
    const weightless = [aDestination('a:80', { weight: 0 }), aDestination('b:80', { weight: 0 })];
    const nowhere = forwardRoute(aRule(), aForward({ destinations: weightless }), undefined, surroundings({ dialect }));
    expect(nowhere.action).toEqual({ directResponse: { status } });
    const unknown = actionOf({}, {}, { dialect }) as Record<string, unknown>;
    expect(unknown['clusterNotFoundResponseCode']).toBe(code);
  });
});

describe('the host', () => {
  const setHost = someHeaders({ set: [['Host', 'set']], add: [[':authority', 'added']] });
  const addHost = someHeaders({ add: [['host', 'added']] });
  const ofDestination = [aDestination('reviews:80', { headers: someHeaders({ set: [['host', 'destination']] }) })];

  it.each([
    [
      'rewrite',
      { rewrite: { uri: undefined, regex: undefined, authority: 'rewrite' }, destinations: ofDestination },
      setHost,
    ],
    ['set', { destinations: ofDestination }, setHost],
    ['added', { destinations: ofDestination }, addHost],
    ['destination', { destinations: ofDestination }, undefined],
  ])('comes from the first that says something: %s (policy/A9)', (expected, forward, headers) => {
    expect(actionOf(forward, { headers })).toMatchObject({ hostRewriteLiteral: expected, appendXForwardedHost: true });
  });

  it('is not among the headers that are set (policy/A4)', () => {
    const { headers } = forwardRoute(aRule({ headers: setHost }), aForward(), undefined, surroundings());
    expect(headers.requestHeadersToAdd).toEqual([]);
  });
});

describe('time and repetition', () => {
  it('has no limit unless asked for (policy/A11)', () => {
    expect(actionOf({})).toMatchObject({ timeout: '0s' });
    expect(actionOf({}, { timeoutMs: 1500 })).toMatchObject({ timeout: '1.500s', maxGrpcTimeout: '1.500s' });
  });

  it('leaves a limit to calls of gRPC where they can come (policy/A11)', () => {
    expect(actionOf({})).not.toHaveProperty('maxGrpcTimeout');
    expect(actionOf({}, {}, { mayCarryGrpc: () => true })).toMatchObject({ timeout: '0s', maxGrpcTimeout: '0s' });
  });

  it('retries twice what is safe to retry (policy/A12)', () => {
    expect(actionOf({}, { retries: undefined })).toMatchObject({
      retryPolicy: {
        retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
        numRetries: 2,
        hostSelectionRetryMaxAttempts: '5',
        retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
      },
    });
  });

  it('retries where the hash says (policy/A12)', () => {
    const action = actionOf({}, { retries: undefined }, { hashPolicyOf: () => byHeader });
    expect(action).not.toHaveProperty('retryPolicy.retryHostPredicate');
    expect(action).toMatchObject({ hashPolicy: [{ header: { headerName: 'x-user' } }] });
  });

  it('retries nothing when asked for no attempts (policy/A12)', () => {
    expect(actionOf({}, { retries: someRetries({ attempts: 0 }) })).not.toHaveProperty('retryPolicy');
  });

  it('retries as asked (policy/A12, policy/A13)', () => {
    const retries = someRetries({
      attempts: 4,
      on: '5xx',
      statusCodes: [418],
      perTryTimeoutMs: 250,
      backOffMs: 10,
      remoteLocalities: true,
      ignorePreviousHosts: false,
    });
    const action = actionOf({}, { retries });
    expect(action).toMatchObject({
      retryPolicy: {
        retryOn: '5xx,retriable-status-codes',
        retriableStatusCodes: [418],
        numRetries: 4,
        perTryTimeout: '0.250s',
        retryBackOff: { baseInterval: '0.010s' },
        retryPriority: { name: 'envoy.retry_priorities.previous_priorities', typedConfig: { updateFrequency: 2 } },
      },
    });
    expect(action).not.toHaveProperty('retryPolicy.retryHostPredicate');
  });
});

it('mirrors a share of the requests, and none at 0 (policy/A17)', () => {
  const mirrors = [
    { destination: aDestination('audit:80').destination, percentage: 0.5 },
    { destination: aDestination('nobody:80').destination, percentage: 0 },
  ];
  expect(actionOf({ mirrors })).toMatchObject({
    requestMirrorPolicies: [
      {
        cluster: 'outbound|80||audit',
        runtimeFraction: { defaultValue: { numerator: 5000, denominator: 'MILLION' } },
        traceSampled: false,
      },
    ],
  });
});
