import { describe, expect, it } from 'vitest';
import { problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';
import type { DecodedHttpRoute } from './decoded.ts';

const route = [{ destination: { host: 'a' } }];

function withRoute(written: object): unknown {
  return { hosts: ['a'], http: [{ route, ...written }] };
}

function ruleOf(written: object): DecodedHttpRoute['rule'] | undefined {
  return valueOf('VirtualService', withRoute(written)).http[0]?.rule;
}

/** A route that does not send requests on. */
function answering(written: object): object {
  return { route: undefined, ...written };
}

function problems(written: object): readonly string[] {
  return problemsOf('VirtualService', withRoute(written));
}

describe('where requests go', () => {
  it('has full host names, subset and port, and says where they were written (policy/A1, policy/G1)', () => {
    const destination = { host: 'A', subset: 'v1', port: { number: 80 } };
    expect(ruleOf({ route: [{ destination }] })?.action).toMatchObject({
      kind: 'forward',
      destinations: [
        {
          destination: {
            host: 'a.shop.svc.cluster.local',
            subset: 'v1',
            port: 80,
            provenance: {
              kind: 'networking.istio.io/VirtualService',
              name: 'x',
              path: 'spec.http[0].route[0].destination',
            },
          },
          weight: 100,
          headers: undefined,
        },
      ],
    });
  });

  it.each([
    ['relative weights', [1, 3], ['a 1', 'b 3']],
    ['zero takes no traffic among several', [0, 7], ['b 7']],
    ['none is zero among several', [undefined, 7], ['b 7']],
    ['a single one takes everything without a weight', [undefined], ['a 100']],
    ['a single one takes everything whatever its weight', [5], ['a 100']],
  ])('%s (policy/A2)', (_, weights, expected) => {
    const action = ruleOf({
      route: weights.map((weight, index) => ({ destination: { host: index === 0 ? 'a.x' : 'b.x' }, weight })),
    })?.action;
    const destinations = action?.kind === 'forward' ? action.destinations : [];
    expect(destinations.map(({ destination, weight }) => `${destination.host.charAt(0)} ${weight}`)).toEqual(expected);
  });

  it.each([
    [
      'a negative weight (policy/A2)',
      [{ destination: { host: 'a' }, weight: -1 }, ...route],
      'WEIR1105 spec.http[0].route[0].weight',
    ],
    ['weights that are all zero (policy/A2)', [...route, ...route], 'WEIR1105 spec.http[0].route'],
    [
      'weights beyond what proxies count (policy/A2)',
      Array.from({ length: 3 }, () => ({ destination: { host: 'a' }, weight: 2_000_000_000 })),
      'WEIR1105 spec.http[0].route',
    ],
    ['text for a weight', [{ destination: { host: 'a' }, weight: '10' }], 'WEIR1002 spec.http[0].route[0].weight'],
    ['half a weight', [{ destination: { host: 'a' }, weight: 0.5 }], 'WEIR1002 spec.http[0].route[0].weight'],
    ['no destination', [{ weight: 1 }], 'WEIR1005 spec.http[0].route[0].destination'],
    ['no host', [{ destination: { subset: 'a' } }], 'WEIR1005 spec.http[0].route[0].destination.host'],
    ['every host at once', [{ destination: { host: '*' } }], 'WEIR1010 spec.http[0].route[0].destination.host'],
    [
      'a broken subset',
      [{ destination: { host: 'a', subset: 'a b' } }],
      'WEIR1019 spec.http[0].route[0].destination.subset',
    ],
    [
      'port 0',
      [{ destination: { host: 'a', port: { number: 0 } } }],
      'WEIR1004 spec.http[0].route[0].destination.port.number',
    ],
    [
      'a port by name',
      [{ destination: { host: 'a', port: { number: 80, name: 'x' } } }],
      'WEIR1001 spec.http[0].route[0].destination.port.name',
    ],
    ['a wrong place', [{ destination: { host: 'a', weight: 5 } }], 'WEIR1001 spec.http[0].route[0].destination.weight'],
  ])('refuses %s', (_, written, problem) => {
    expect(problems({ route: written })).toEqual([`error ${problem}`]);
  });

  it.each([
    ['no action', { route: undefined }, ['error WEIR1103 spec.http[0]']],
    ['an empty list', { route: [] }, ['error WEIR1103 spec.http[0]']],
    ['two actions', { redirect: { uri: '/a' } }, ['error WEIR1104 spec.http[0]']],
    [
      'redirect with fault',
      answering({ redirect: { uri: '/a' }, fault: { abort: { httpStatus: 500, percentage: { value: 1 } } } }),
      ['error WEIR1104 spec.http[0].fault'],
    ],
    [
      'response with rewrite',
      answering({ directResponse: { status: 200 }, rewrite: { uri: '/' } }),
      ['error WEIR1104 spec.http[0].rewrite'],
    ],
    [
      'redirect with timeout',
      answering({ redirect: { uri: '/a' }, timeout: '1s' }),
      ['warning WEIR1021 spec.http[0].timeout'],
    ],
  ])('says of a route with %s what it is', (_, written, expected) => {
    expect(problems(written)).toEqual(expected);
  });

  it('leaves a route that delegates out, and says so (policy/A19)', () => {
    const spec = { hosts: ['a'], http: [{ delegate: { name: 'd' } }, { route }] };
    expect(valueOf('VirtualService', spec).http).toHaveLength(1);
    expect(problemsOf('VirtualService', spec)).toEqual(['warning WEIR1009 spec.http[0].delegate']);
  });
});

describe('redirects and responses', () => {
  it.each([
    [{ uri: '/b' }, { uri: '/b', code: 301 }],
    [
      { authority: 'b', redirectCode: 308 },
      { authority: 'b', code: 308 },
    ],
    [
      { scheme: 'https', port: 8443 },
      { scheme: 'https', port: 8443 },
    ],
    [{ derivePort: 'FROM_REQUEST_PORT' }, { port: 'from-request' }],
    [{ derivePort: 'FROM_PROTOCOL_DEFAULT' }, { port: 'from-protocol-default' }],
    [{ prefixRewrite: '/b' }, { prefix: '/b', uri: undefined }],
  ])('%j (policy/A5)', (redirect, expected) => {
    expect(ruleOf(answering({ redirect }))?.action).toMatchObject({ kind: 'redirect', ...expected });
  });

  it.each([
    [{}, 'error WEIR1005 spec.http[0].redirect'],
    [{ uri: '/a', prefixRewrite: '/b' }, 'error WEIR1006 spec.http[0].redirect'],
    [{ port: 80, derivePort: 'FROM_REQUEST_PORT' }, 'error WEIR1006 spec.http[0].redirect'],
    [{ uri: '/a', redirectCode: 304 }, 'error WEIR1004 spec.http[0].redirect.redirectCode'],
    [{ uri: '/a', redirectCode: 200 }, 'error WEIR1004 spec.http[0].redirect.redirectCode'],
    [{ uri: '/a', derivePort: 'FROM_REQUEST' }, 'error WEIR1003 spec.http[0].redirect.derivePort'],
    [{ scheme: 'ftp' }, 'error WEIR1003 spec.http[0].redirect.scheme'],
    [{ port: 70_000 }, 'error WEIR1004 spec.http[0].redirect.port'],
    [{ uri: '/a\nb' }, 'error WEIR1016 spec.http[0].redirect.uri'],
    [{ uri: 'a' }, 'warning WEIR1022 spec.http[0].redirect.uri'],
  ])('%j is wrong (policy/A5)', (redirect, problem) => {
    expect(problems(answering({ redirect }))).toEqual([problem]);
  });

  it('replaces a prefix only where one is matched (policy/A5)', () => {
    const redirect = { prefixRewrite: '/b' };
    expect(problems(answering({ redirect, match: [{ uri: { prefix: '/a' } }] }))).toEqual([]);
    expect(problems(answering({ redirect, match: [{ uri: { exact: '/a' } }] }))).toEqual([
      'error WEIR1006 spec.http[0].redirect.prefixRewrite',
    ]);
  });

  it.each([
    [{ status: 503 }, { status: 503, body: undefined }],
    [{ status: 200, body: { string: 'hi' } }, { body: { kind: 'text', text: 'hi' } }],
    [{ status: 200, body: { bytes: 'aGk_aGk-' } }, { body: { kind: 'bytes', base64: 'aGk/aGk+' } }],
  ])('%j (policy/A6)', (directResponse, expected) => {
    expect(ruleOf(answering({ directResponse }))?.action).toMatchObject({ kind: 'direct-response', ...expected });
  });

  it.each([
    ['no status', {}, 'error WEIR1005 spec.http[0].directResponse.status'],
    ['status 199', { status: 199 }, 'error WEIR1004 spec.http[0].directResponse.status'],
    ['status 600', { status: 600 }, 'error WEIR1004 spec.http[0].directResponse.status'],
    [
      'two bodies',
      { status: 200, body: { string: 'a', bytes: 'YQ==' } },
      'error WEIR1006 spec.http[0].directResponse.body',
    ],
    ['no base64', { status: 200, body: { bytes: '!' } }, 'error WEIR1002 spec.http[0].directResponse.body.bytes'],
    [
      'more than 1 MiB',
      { status: 200, body: { string: 'é'.repeat(524_289) } },
      'error WEIR1008 spec.http[0].directResponse.body',
    ],
    [
      'more than 100 kB',
      { status: 200, body: { string: 'a'.repeat(102_401) } },
      'warning WEIR1008 spec.http[0].directResponse.body',
    ],
  ])('%s is too much or too little (policy/A6)', (_, directResponse, problem) => {
    expect(problems(answering({ directResponse }))).toEqual([problem]);
  });
});

describe('rewriting', () => {
  it('reads path, expression and authority (policy/A7, policy/A8, policy/A9)', () => {
    const rewrite = { uriRegexRewrite: { match: '^/(a)/(.*)', rewrite: '/\\2\\\\\\1' }, authority: 'b' };
    expect(ruleOf({ rewrite })?.action).toMatchObject({
      rewrite: { uri: undefined, regex: { match: '^/(a)/(.*)', substitution: '/\\2\\\\\\1' }, authority: 'b' },
    });
    expect(ruleOf({ rewrite: { uri: '/' } })?.action).toMatchObject({ rewrite: { uri: '/' } });
  });

  it.each([
    ['nothing (policy/A7)', {}, 'error WEIR1005 spec.http[0].rewrite'],
    [
      'path and expression (policy/A8)',
      { uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } },
      'error WEIR1006 spec.http[0].rewrite',
    ],
    [
      'half an expression (policy/A8)',
      { uriRegexRewrite: { match: 'a' } },
      'error WEIR1005 spec.http[0].rewrite.uriRegexRewrite',
    ],
    [
      'a broken expression (policy/A8)',
      { uriRegexRewrite: { match: '(', rewrite: 'b' } },
      'error WEIR1013 spec.http[0].rewrite.uriRegexRewrite.match',
    ],
    [
      'a group that is not there (policy/A8)',
      { uriRegexRewrite: { match: '(?:a)(b)', rewrite: '\\2' } },
      'error WEIR1013 spec.http[0].rewrite.uriRegexRewrite.rewrite',
    ],
    ['a path without slash (policy/A7)', { uri: 'a' }, 'warning WEIR1022 spec.http[0].rewrite.uri'],
    ['a line break (policy/A9)', { authority: 'a\r\nb' }, 'error WEIR1016 spec.http[0].rewrite.authority'],
  ])('says of %s what it is', (_, rewrite, problem) => {
    expect(problems({ rewrite })).toEqual([problem]);
  });
});

describe('time and failure', () => {
  it('reads the timeout; none is the default (policy/A11)', () => {
    expect(ruleOf({ timeout: '1.5s' })?.timeoutMs).toBe(1500);
    expect(ruleOf({})?.timeoutMs).toBeUndefined();
    expect(problems({ timeout: '0s' })).toEqual(['error WEIR1012 spec.http[0].timeout']);
    expect(problems({ timeout: 5 })).toEqual(['error WEIR1012 spec.http[0].timeout']);
  });

  it.each([
    [undefined, undefined],
    [{ attempts: 0 }, { attempts: 0, on: undefined }],
    [
      { attempts: 3, perTryTimeout: '2s', retryOn: '5xx, reset,503 ,gateway-error,429', backoff: '10ms' },
      {
        attempts: 3,
        perTryTimeoutMs: 2000,
        on: '5xx,reset,gateway-error,retriable-status-codes',
        statusCodes: [503, 429],
        backOffMs: 10,
      },
    ],
    [
      { attempts: 1, retryOn: '503' },
      { on: 'retriable-status-codes', statusCodes: [503] },
    ],
    [{ attempts: 1 }, { on: undefined, remoteLocalities: false, ignorePreviousHosts: true }],
    [
      { attempts: 1, retryRemoteLocalities: true, retryIgnorePreviousHosts: false },
      { remoteLocalities: true, ignorePreviousHosts: false },
    ],
  ])('retries %j (policy/A12, policy/A13)', (retries, expected) => {
    const read = ruleOf({ retries })?.retries;
    if (expected === undefined) expect(read).toBeUndefined();
    else expect(read).toMatchObject(expected);
  });

  it.each([
    [{ attempts: -1 }, 'error WEIR1004 spec.http[0].retries.attempts'],
    [{ perTryTimeout: '1s' }, 'error WEIR1005 spec.http[0].retries.attempts'],
    [{ attempts: 1, retryOn: '5xxx' }, 'error WEIR1107 spec.http[0].retries.retryOn'],
    [{ attempts: 1, retryOn: '600' }, 'error WEIR1107 spec.http[0].retries.retryOn'],
    [{ attempts: 1, perTryTimeout: '100us' }, 'error WEIR1012 spec.http[0].retries.perTryTimeout'],
    [{ attempts: 1, backoff: '0s' }, 'error WEIR1012 spec.http[0].retries.backoff'],
  ])('retries %j are wrong (policy/A12, policy/A13)', (retries, problem) => {
    expect(problems({ retries })).toEqual([problem]);
  });

  it('says when times contradict each other (policy/P436)', () => {
    expect(problems({ timeout: '3s', retries: { attempts: 2, perTryTimeout: '2s' } })).toEqual([
      'warning WEIR1108 spec.http[0].timeout',
    ]);
    expect(problems({ timeout: '4s', retries: { attempts: 2, perTryTimeout: '2s' } })).toEqual([]);
    const delay = { fixedDelay: '5s', percentage: { value: 1 } };
    expect(problems({ timeout: '1s', fault: { delay } })).toEqual(['warning WEIR1108 spec.http[0].timeout']);
  });

  it.each([
    [
      { delay: { fixedDelay: '5s', percentage: { value: 0.1 } } },
      { delay: { fixedMs: 5000, percentage: 0.1 }, abort: undefined },
    ],
    [
      { abort: { httpStatus: 503, percentage: { value: 50 } } },
      { abort: { kind: 'http', status: 503, percentage: 50 } },
    ],
    [
      { abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 1 } } },
      { abort: { kind: 'grpc', status: 14, percentage: 1 } },
    ],
    [{ delay: { fixedDelay: '5s', percent: 7 } }, { delay: { fixedMs: 5000, percentage: 7 } }],
    [{ delay: { fixedDelay: '5s' } }, { delay: { fixedMs: 5000, percentage: 0 } }],
  ])('injects %j (policy/A15)', (fault, expected) => {
    expect(ruleOf({ fault })?.fault).toMatchObject(expected);
  });

  it.each([
    ['neither delay nor abort', {}, ['error WEIR1005 spec.http[0].fault']],
    [
      'a delay of no length',
      { delay: { percentage: { value: 1 } } },
      ['error WEIR1005 spec.http[0].fault.delay.fixedDelay'],
    ],
    [
      'status 600',
      { abort: { httpStatus: 600, percentage: { value: 1 } } },
      ['error WEIR1004 spec.http[0].fault.abort.httpStatus'],
    ],
    [
      'two statuses',
      { abort: { httpStatus: 500, grpcStatus: 'OK', percentage: { value: 1 } } },
      ['error WEIR1006 spec.http[0].fault.abort'],
    ],
    [
      'an unknown gRPC status',
      { abort: { grpcStatus: '14', percentage: { value: 1 } } },
      ['error WEIR1003 spec.http[0].fault.abort.grpcStatus'],
    ],
    [
      'more than all',
      { abort: { httpStatus: 500, percentage: { value: 101 } } },
      ['error WEIR1004 spec.http[0].fault.abort.percentage.value'],
    ],
    [
      'less than proxies count',
      { abort: { httpStatus: 500, percentage: { value: 0.00001 } } },
      ['error WEIR1004 spec.http[0].fault.abort.percentage.value'],
    ],
    ['no percentage (policy/P410)', { abort: { httpStatus: 500 } }, ['warning WEIR1113 spec.http[0].fault.abort']],
    [
      'the old percentage (policy/P410)',
      { delay: { fixedDelay: '1s', percent: 1 } },
      ['warning IST0002 spec.http[0].fault.delay.percent'],
    ],
    [
      'a delay that is not in force',
      { delay: { exponentialDelay: '1s', percentage: { value: 1 } } },
      ['warning WEIR1009 spec.http[0].fault.delay.exponentialDelay'],
    ],
  ])('says of a fault with %s what it is (policy/A15)', (_, fault, expected) => {
    expect(problems({ fault })).toEqual(expected);
  });
});

describe('copies', () => {
  it.each([
    [{ mirror: { host: 'b.x' } }, [['b.x', 100]]],
    [{ mirror: { host: 'b.x' }, mirrorPercentage: { value: 0.5 } }, [['b.x', 0.5]]],
    [{ mirror: { host: 'b.x' }, mirrorPercent: 20 }, [['b.x', 20]]],
    [{ mirror: { host: 'b.x' }, mirror_percent: 30 }, [['b.x', 30]]],
    [{ mirror: { host: 'b.x' }, mirrorPercentage: { value: 0 } }, []],
    [{ mirror: { host: 'b.x' }, mirrorPercentage: {} }, []],
    [
      { mirrors: [{ destination: { host: 'b.x' } }, { destination: { host: 'c.x' }, percentage: { value: 10 } }] },
      [
        ['b.x', 100],
        ['c.x', 10],
      ],
    ],
  ])('%j (policy/A17)', (written, expected) => {
    const action = ruleOf(written)?.action;
    const mirrors = action?.kind === 'forward' ? action.mirrors : [];
    expect(mirrors.map(({ destination, percentage }) => [destination.host, percentage])).toEqual(expected);
  });

  it.each([
    [
      'both forms (policy/A17)',
      { mirror: { host: 'b' }, mirrorPercentage: { value: 1 }, mirrors: [] },
      'error WEIR1006 spec.http[0]',
    ],
    [
      'more than all (policy/A17)',
      { mirror: { host: 'b' }, mirrorPercentage: { value: 200 } },
      'error WEIR1004 spec.http[0].mirrorPercentage.value',
    ],
    [
      'a percentage of nothing',
      { mirrorPercentage: { value: 1 } },
      'warning WEIR1021 spec.http[0].mirrorPercentage.value',
    ],
    ['no percentage (policy/P410)', { mirror: { host: 'b' } }, 'warning WEIR1113 spec.http[0].mirror'],
    [
      'the old percentage (policy/P410)',
      { mirror: { host: 'b' }, mirrorPercent: 1 },
      'warning IST0002 spec.http[0].mirrorPercent',
    ],
  ])('says of a mirror with %s what it is', (_, written, problem) => {
    expect(problems(written)).toEqual([problem]);
  });
});

describe('cross-origin requests', () => {
  it('reads the policy (policy/A18)', () => {
    const corsPolicy = {
      allowOrigins: [{ exact: 'https://a' }, { regex: 'https://.*' }],
      allowMethods: ['GET', '*'],
      allowHeaders: ['X-A', '*'],
      exposeHeaders: ['x-b'],
      maxAge: '24h',
      allowCredentials: false,
      unmatchedPreflights: 'IGNORE',
    };
    expect(ruleOf({ corsPolicy })?.cors).toEqual({
      allowOrigins: [
        { kind: 'exact', value: 'https://a' },
        { kind: 'regex', value: 'https://.*' },
      ],
      allowMethods: ['GET', '*'],
      allowHeaders: ['X-A', '*'],
      exposeHeaders: ['x-b'],
      maxAgeMs: 86_400_000,
      allowCredentials: false,
      forwardUnmatchedPreflights: false,
    });
    expect(ruleOf({ corsPolicy: { allowOrigin: ['*'] } })?.cors).toMatchObject({
      allowOrigins: [{ kind: 'exact', value: '*' }],
      forwardUnmatchedPreflights: true,
    });
  });

  it.each([
    [{ allowOrigins: [{}] }, 'error WEIR1005 spec.http[0].corsPolicy.allowOrigins[0]'],
    [{ allowOrigins: [{ regex: '(' }] }, 'error WEIR1013 spec.http[0].corsPolicy.allowOrigins[0].regex'],
    [{ allowMethods: ['get'] }, 'error WEIR1003 spec.http[0].corsPolicy.allowMethods[0]'],
    [{ allowHeaders: ['a b'] }, 'error WEIR1015 spec.http[0].corsPolicy.allowHeaders[0]'],
    [{ maxAge: '1.5s' }, 'error WEIR1012 spec.http[0].corsPolicy.maxAge'],
    [{ allowOrigin: ['a'] }, 'warning IST0002 spec.http[0].corsPolicy.allowOrigin'],
  ])('%j is wrong (policy/A18)', (corsPolicy, problem) => {
    expect(problems({ corsPolicy })).toEqual([problem]);
  });
});

describe('headers', () => {
  it('reads operations, sorted by name, for routes and destinations (policy/A3, policy/A4)', () => {
    const headers = { request: { set: { b: '1', a: '2' }, remove: ['c'] }, response: { add: { d: '%PROTOCOL%' } } };
    const expected = {
      request: {
        set: [
          ['a', '2'],
          ['b', '1'],
        ],
        add: [],
        remove: ['c'],
      },
      response: { set: [], add: [['d', '%PROTOCOL%']], remove: [] },
    };
    expect(ruleOf({ headers })?.headers).toEqual(expected);
    expect(ruleOf({ route: [{ destination: { host: 'a' }, headers }] })?.action).toMatchObject({
      destinations: [{ headers: expected }],
    });
    expect(ruleOf({ headers: { request: {} } })?.headers).toBeUndefined();
  });

  it('lets requests have another authority (policy/A9)', () => {
    expect(ruleOf({ headers: { request: { set: { Host: 'b' } } } })?.headers?.request.set).toEqual([['Host', 'b']]);
  });

  it.each([
    [
      'an authority set by rewrite and headers (policy/P605)',
      { rewrite: { authority: 'b' }, headers: { request: { set: { ':authority': 'c' } } } },
      'WEIR1106 spec.http[0]',
    ],
    [
      'an authority set twice by headers (policy/P605)',
      { headers: { request: { set: { host: 'b' }, add: { Host: 'c' } } } },
      'WEIR1106 spec.http[0]',
    ],
    [
      'another pseudo header (policy/A4)',
      { headers: { request: { set: { ':path': '/' } } } },
      'WEIR1017 spec.http[0].headers.request.set[":path"]',
    ],
    [
      'the host removed (policy/A4)',
      { headers: { request: { remove: ['host'] } } },
      'WEIR1017 spec.http[0].headers.request.remove[0]',
    ],
    [
      'the host of a response (policy/A4)',
      { headers: { response: { set: { Host: 'x' } } } },
      'WEIR1017 spec.http[0].headers.response.set.Host',
    ],
    [
      'a broken name (policy/A4)',
      { headers: { request: { remove: ['a b'] } } },
      'WEIR1015 spec.http[0].headers.request.remove[0]',
    ],
    ['a number', { headers: { request: { set: { a: 1 } } } }, 'WEIR1002 spec.http[0].headers.request.set.a'],
  ])('refuses %s', (_, written, problem) => {
    expect(problems(written)).toEqual([`error ${problem}`]);
  });

  it.each([
    '100%%',
    '%REQ(x-a?x-b):10%-%DOWNSTREAM_REMOTE_ADDRESS%',
    '%START_TIME(%Y-%m-%d)%',
    '%DYNAMIC_METADATA(["a", "b"])%',
    '%METADATA(ROUTE:a:b)%',
    '%FILTER_STATE(a:PLAIN)%',
  ])('takes the value %s', (value) => {
    expect(problems({ headers: { request: { set: { a: value } } } })).toEqual([]);
  });

  it.each([
    '100%',
    '%FOO%',
    '%protocol%',
    '%REQ%',
    '%REQ()%',
    '%REQ(a?b?c)%',
    '%PROTOCOL:3%',
    '%PROTOCOL(x)%',
    '%PROTOCOL%%',
    '%METADATA(X:a)%',
    '%FILTER_STATE(a:X)%',
    '%CEL(x)%',
    'a\nb',
    'a\0b',
  ])('refuses the value %j, which a proxy would refuse', (value) => {
    expect(problems({ headers: { request: { set: { a: value } } } })).toEqual([
      'error WEIR1016 spec.http[0].headers.request.set.a',
    ]);
  });
});
