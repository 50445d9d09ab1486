import { describe, expect, it } from 'vitest';
import { problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';
import type { TrafficPolicy } from '../../../model/traffic-policy.ts';

function policyOf(trafficPolicy: unknown): TrafficPolicy | undefined {
  return valueOf('DestinationRule', { host: 'a', trafficPolicy }).trafficPolicy.policy;
}

function problems(trafficPolicy: unknown): readonly string[] {
  return problemsOf('DestinationRule', { host: 'a', trafficPolicy });
}

describe('the rule', () => {
  it('has a full host, and clients that it is for (policy/G1, policy/P120)', () => {
    const rule = valueOf('DestinationRule', {
      host: 'A',
      workloadSelector: { matchLabels: { app: 'x' } },
      exportTo: ['.'],
    });
    expect(rule).toMatchObject({ host: 'a.shop.svc.cluster.local', clientSelector: { app: 'x' }, exportTo: ['.'] });
    expect(valueOf('DestinationRule', { host: '*.x.com', workloadSelector: {} })).toMatchObject({
      host: '*.x.com',
      clientSelector: undefined,
      exportTo: undefined,
      trafficPolicy: { policy: undefined },
      subsets: [],
    });
  });

  it.each([
    ['no host', {}, 'error WEIR1005 spec.host'],
    ['a broken host', { host: 'a b' }, 'error WEIR1010 spec.host'],
    [
      'a broken selector',
      { host: 'a', workloadSelector: { matchLabels: { '': 'x' } } },
      'error WEIR1018 spec.workloadSelector.matchLabels[""]',
    ],
    [
      'a selector for others (policy/P120)',
      { host: 'a', workloadSelector: { matchLabels: { a: 'b' } }, exportTo: ['*'] },
      'error WEIR1020 spec.exportTo',
    ],
    ['settings that say nothing', { host: 'a', trafficPolicy: {} }, 'error WEIR1201 spec.trafficPolicy'],
  ])('is refused with %s', (_, spec, problem) => {
    expect(problemsOf('DestinationRule', spec)).toEqual([problem]);
  });

  it('has subsets with labels and settings of their own (policy/D1)', () => {
    const subsets = [
      { name: 'v1', labels: { version: 'v1' }, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
      { name: 'all' },
    ];
    expect(valueOf('DestinationRule', { host: 'a', subsets }).subsets).toMatchObject([
      {
        name: 'v1',
        labels: { version: 'v1' },
        trafficPolicy: { policy: { loadBalancer: { algorithm: { kind: 'random' } } } },
        provenance: { path: 'spec.subsets[0]' },
      },
      { name: 'all', labels: {}, trafficPolicy: { policy: undefined } },
    ]);
  });

  it('keeps the first of two subsets of one name, and says so (policy/P120)', () => {
    const subsets = [
      { name: 'v', labels: { a: '1' } },
      { name: 'v', labels: { a: '2' } },
    ];
    expect(valueOf('DestinationRule', { host: 'a', subsets }).subsets).toMatchObject([{ labels: { a: '1' } }]);
    expect(problemsOf('DestinationRule', { host: 'a', subsets })).toEqual(['warning WEIR1205 spec.subsets[1].name']);
  });

  it.each([
    [{}, 'error WEIR1005 spec.subsets[0].name'],
    [{ name: 'a b' }, 'error WEIR1019 spec.subsets[0].name'],
    [{ name: 'a', labels: { v: '-' } }, 'error WEIR1018 spec.subsets[0].labels.v'],
    [{ name: 'a', labels: { v: 1 } }, 'error WEIR1002 spec.subsets[0].labels.v'],
  ])('refuses the subset %j (policy/D1)', (subset, problem) => {
    expect(problemsOf('DestinationRule', { host: 'a', subsets: [subset] })).toEqual([problem]);
  });

  it('keeps settings of ports apart from those for all ports (policy/P121)', () => {
    const trafficPolicy = {
      connectionPool: { tcp: { maxConnections: 1 } },
      portLevelSettings: [{ port: { number: 80 }, connectionPool: { tcp: { maxConnections: 2 } } }],
    };
    const layer = valueOf('DestinationRule', { host: 'a', trafficPolicy }).trafficPolicy;
    expect(layer.policy?.connectionPool?.maxConnections).toBe(1);
    expect([...layer.ports]).toMatchObject([[80, { connectionPool: { maxConnections: 2 }, loadBalancer: undefined }]]);
    const only = valueOf('DestinationRule', {
      host: 'a',
      trafficPolicy: { portLevelSettings: trafficPolicy.portLevelSettings },
    });
    expect(only.trafficPolicy.policy).toBeUndefined();
  });

  it.each([
    [
      'what a port loses (policy/P407)',
      [{ port: { number: 80 }, outlierDetection: {} }],
      ['warning WEIR1206 spec.trafficPolicy.portLevelSettings[0]'],
    ],
    [
      'a port without settings',
      [{ port: { number: 80 } }],
      [
        'error WEIR1201 spec.trafficPolicy.portLevelSettings[0]',
        'warning WEIR1206 spec.trafficPolicy.portLevelSettings[0]',
      ],
    ],
    [
      'settings without a port',
      [{ loadBalancer: {} }],
      ['error WEIR1005 spec.trafficPolicy.portLevelSettings[0].port.number'],
    ],
    [
      'a port twice',
      [
        { port: { number: 80 }, loadBalancer: {} },
        { port: { number: 80 }, loadBalancer: {} },
      ],
      ['warning WEIR1205 spec.trafficPolicy.portLevelSettings[1]'],
    ],
  ])('tells of %s', (_, portLevelSettings, expected) => {
    expect(problems({ loadBalancer: { simple: 'RANDOM' }, portLevelSettings })).toEqual(expected);
  });

  it.each([
    ['tunnel', { tunnel: { targetHost: 'a.x', targetPort: 80 } }],
    ['proxyProtocol', { proxyProtocol: { version: 'V2' } }],
    ['retryBudget.budgetInterval', { retryBudget: { budgetInterval: '1s' } }],
    ['loadBalancer.zoneAwareLbSetting', { loadBalancer: { zoneAwareLbSetting: {} } }],
    ['connectionPool.http.http2KeepAlive', { connectionPool: { http: { http2KeepAlive: { interval: '1s' } } } }],
    [
      'outlierDetection.outlierDetectionHttpErrorCodes',
      { outlierDetection: { outlierDetectionHttpErrorCodes: [500] } },
    ],
  ])('says that %s is not in force', (field, trafficPolicy) => {
    expect(problems(trafficPolicy)).toEqual([`warning WEIR1009 spec.trafficPolicy.${field}`]);
  });

  it('reads the retry budget (policy/A14)', () => {
    expect(policyOf({ retryBudget: {} })?.retryBudget).toEqual({ percent: 20, minRetryConcurrency: 3 });
    expect(policyOf({ retryBudget: { percent: 1.5, minRetryConcurrency: 10 } })?.retryBudget).toEqual({
      percent: 1.5,
      minRetryConcurrency: 10,
    });
    expect(problems({ retryBudget: { percent: 101 } })).toEqual([
      'error WEIR1004 spec.trafficPolicy.retryBudget.percent',
    ]);
  });
});

describe('balancing', () => {
  it.each([
    ['LEAST_REQUEST', 'least-request'],
    ['LEAST_CONN', 'least-request'],
    ['UNSPECIFIED', 'least-request'],
    [undefined, 'least-request'],
    ['ROUND_ROBIN', 'round-robin'],
    ['RANDOM', 'random'],
    ['PASSTHROUGH', 'passthrough'],
  ])('%s is %s (policy/D2, policy/D3)', (simple, kind) => {
    expect(policyOf({ loadBalancer: { simple } })?.loadBalancer?.algorithm).toEqual({ kind });
  });

  it.each([
    [{ httpHeaderName: 'X-User' }, { kind: 'header', name: 'x-user' }],
    [{ useSourceIp: true }, { kind: 'source-ip' }],
    [{ httpQueryParameterName: 'Q' }, { kind: 'query', name: 'Q' }],
    [{ httpCookie: { name: 'c', ttl: '0s' } }, { kind: 'cookie', name: 'c', path: '', ttlMs: 0, attributes: [] }],
    [
      { httpCookie: { name: 'c', path: '/p', attributes: [{ name: 'SameSite', value: 'Lax' }, { name: 'Secure' }] } },
      {
        kind: 'cookie',
        name: 'c',
        path: '/p',
        ttlMs: undefined,
        attributes: [
          ['SameSite', 'Lax'],
          ['Secure', ''],
        ],
      },
    ],
  ])('hashes by %j (policy/D4)', (consistentHash, key) => {
    expect(policyOf({ loadBalancer: { consistentHash } })?.loadBalancer?.algorithm).toEqual({
      kind: 'consistent-hash',
      key,
      table: { kind: 'ring', minimumSize: 1024 },
    });
  });

  it.each([
    [{ ringHash: { minimumRingSize: 2048 } }, { kind: 'ring', minimumSize: 2048 }],
    [{ ringHash: {} }, { kind: 'ring', minimumSize: 1024 }],
    [{ minimumRingSize: 4096 }, { kind: 'ring', minimumSize: 4096 }],
    [{ maglev: {} }, { kind: 'maglev', tableSize: 65_537 }],
    [{ maglev: { tableSize: 5_000_011 } }, { kind: 'maglev', tableSize: 5_000_011 }],
  ])('hashes into %j (policy/D4)', (table, expected) => {
    const consistentHash = { useSourceIp: true, ...table };
    expect(policyOf({ loadBalancer: { consistentHash } })?.loadBalancer?.algorithm).toMatchObject({ table: expected });
  });

  it.each([
    [{}, 'error WEIR1005 '],
    [{ useSourceIp: false }, 'error WEIR1005 '],
    [{ useSourceIp: true, httpHeaderName: 'a' }, 'error WEIR1006 '],
    [{ useSourceIp: true, ringHash: {}, maglev: {} }, 'error WEIR1006 '],
    [{ httpHeaderName: 'a b' }, 'error WEIR1015 .httpHeaderName'],
    [{ httpQueryParameterName: '' }, 'error WEIR1005 .httpQueryParameterName'],
    [{ httpCookie: { ttl: '1s' } }, 'error WEIR1015 .httpCookie.name'],
    [{ httpCookie: { name: 'a', ttl: '-1s' } }, 'error WEIR1012 .httpCookie.ttl'],
    [
      { httpCookie: { name: 'a', attributes: [{ name: 'b' }, { name: 'b' }] } },
      'error WEIR1006 .httpCookie.attributes[1].name',
    ],
    [{ useSourceIp: true, maglev: { tableSize: 65_536 } }, 'error WEIR1202 .maglev.tableSize'],
    [{ useSourceIp: true, maglev: { tableSize: 0 } }, 'error WEIR1202 .maglev.tableSize'],
    [{ useSourceIp: true, maglev: { tableSize: 5_000_077 } }, 'error WEIR1202 .maglev.tableSize'],
    [{ useSourceIp: true, ringHash: { minimumRingSize: 8_388_609 } }, 'error WEIR1202 .ringHash.minimumRingSize'],
    [{ useSourceIp: true, minimumRingSize: 1 }, 'warning IST0002 .minimumRingSize'],
  ])('says of the hash %j what it is (policy/D4)', (consistentHash, problem) => {
    const [severity, code, path] = problem.split(' ');
    expect(problems({ loadBalancer: { consistentHash } })).toEqual([
      `${severity} ${code} spec.trafficPolicy.loadBalancer.consistentHash${path}`,
    ]);
  });

  it('hashes or does not (policy/D4)', () => {
    expect(problems({ loadBalancer: { simple: 'RANDOM', consistentHash: { useSourceIp: true } } })).toEqual([
      'error WEIR1006 spec.trafficPolicy.loadBalancer',
    ]);
  });

  it.each([
    [{ warmup: { duration: '30s' } }, { durationMs: 30_000, minimumPercent: 10, aggression: 1 }],
    [
      { warmup: { duration: '1m', minimumPercent: 0, aggression: 2.5 } },
      { durationMs: 60_000, minimumPercent: 0, aggression: 2.5 },
    ],
    [{ warmupDurationSecs: '5s' }, { durationMs: 5000, minimumPercent: 10, aggression: 1 }],
  ])('warms up with %j (policy/D5)', (loadBalancer, warmup) => {
    expect(policyOf({ loadBalancer })?.loadBalancer?.warmup).toEqual(warmup);
  });

  it.each([
    [{ warmup: {} }, 'error WEIR1005 spec.trafficPolicy.loadBalancer.warmup.duration'],
    [
      { warmup: { duration: '1s', minimumPercent: 101 } },
      'error WEIR1004 spec.trafficPolicy.loadBalancer.warmup.minimumPercent',
    ],
    [{ warmup: { duration: '1s', aggression: 0 } }, 'error WEIR1004 spec.trafficPolicy.loadBalancer.warmup.aggression'],
    [{ simple: 'RANDOM', warmup: { duration: '1s' } }, 'warning WEIR1021 spec.trafficPolicy.loadBalancer'],
  ])('says of the warm-up %j what it is (policy/D5)', (loadBalancer, problem) => {
    expect(problems({ loadBalancer })).toEqual([problem]);
  });
});

describe('locality', () => {
  it('reads failover and shares (policy/D6, policy/D7, policy/D8)', () => {
    const localityLbSetting = {
      distribute: [{ from: 'a/b/*', to: { 'a/b': 80, c: 20 } }],
      failoverPriority: ['x', 'y=1'],
    };
    expect(policyOf({ loadBalancer: { localityLbSetting }, outlierDetection: {} })?.loadBalancer?.locality).toEqual({
      enabled: true,
      distribute: [{ from: 'a/b/*', to: { 'a/b': 80, c: 20 } }],
      failover: [],
      failoverPriority: ['x', 'y=1'],
    });
    expect(policyOf({ loadBalancer: { localityLbSetting: { enabled: false } } })?.loadBalancer?.locality?.enabled).toBe(
      false,
    );
  });

  it.each([
    [
      'both shares and failover (policy/D7)',
      { distribute: [{ from: '*', to: { a: 100 } }], failover: [{ from: 'a', to: 'b' }] },
      'error WEIR1006 ',
    ],
    [
      'a topology label beside failover (policy/D7)',
      { failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.kubernetes.io/region'] },
      'error WEIR1006 .failoverPriority[0]',
    ],
    ['shares of 90 (policy/D8)', { distribute: [{ from: '*', to: { a: 90 } }] }, 'error WEIR1203 .distribute[0].to'],
    [
      'a share of 0 (policy/D8)',
      { distribute: [{ from: '*', to: { a: 100, b: 0 } }] },
      'error WEIR1004 .distribute[0].to.b',
    ],
    [
      'overlapping targets (policy/D8)',
      { distribute: [{ from: '*', to: { 'a/b': 50, 'a/*': 50 } }] },
      'error WEIR1203 .distribute[0].to["a/*"]',
    ],
    [
      'overlapping origins (policy/D8)',
      {
        distribute: [
          { from: 'a', to: { a: 100 } },
          { from: 'a/b', to: { a: 100 } },
        ],
      },
      'error WEIR1203 .distribute[1].from',
    ],
    [
      'an empty part (policy/D8)',
      { distribute: [{ from: 'a//c', to: { a: 100 } }] },
      'error WEIR1203 .distribute[0].from',
    ],
    [
      'a * in the middle (policy/D8)',
      { distribute: [{ from: '*/b', to: { a: 100 } }] },
      'error WEIR1203 .distribute[0].from',
    ],
    ['failover to itself (policy/D7)', { failover: [{ from: 'a', to: 'a' }] }, 'error WEIR1203 .failover[0]'],
    ['failover to a zone (policy/D7)', { failover: [{ from: 'a', to: 'b/c' }] }, 'error WEIR1203 .failover[0].to'],
    ['a label without a name (policy/D7)', { failoverPriority: ['=x'] }, 'error WEIR1018 .failoverPriority[0]'],
  ])('refuses %s', (_, localityLbSetting, problem) => {
    const [severity, code, path] = problem.split(' ');
    expect(problems({ loadBalancer: { localityLbSetting }, outlierDetection: {} })).toEqual([
      `${severity} ${code} spec.trafficPolicy.loadBalancer.localityLbSetting${path}`,
    ]);
  });

  it('warns of failover without ejection (policy/P421)', () => {
    const loadBalancer = { localityLbSetting: { failover: [{ from: 'a', to: 'b' }] } };
    expect(problems({ loadBalancer })).toEqual(['warning WEIR1204 spec.trafficPolicy.loadBalancer.localityLbSetting']);
    expect(problems({ loadBalancer, outlierDetection: {} })).toEqual([]);
  });
});

describe('limits, ejection and transport', () => {
  it('reads the connection pool; zero is no limit (policy/D12, policy/D13)', () => {
    const connectionPool = {
      tcp: {
        maxConnections: 10,
        connectTimeout: '1s',
        idleTimeout: '0s',
        maxConnectionDuration: '1h',
        tcpKeepalive: { probes: 3, time: '7200s', interval: '75s' },
      },
      http: {
        http1MaxPendingRequests: 0,
        http2MaxRequests: 5,
        maxRequestsPerConnection: 6,
        maxRetries: 7,
        idleTimeout: '8s',
        maxConcurrentStreams: 9,
        h2UpgradePolicy: 'UPGRADE',
      },
    };
    expect(policyOf({ connectionPool })?.connectionPool).toEqual({
      maxConnections: 10,
      connectTimeoutMs: 1000,
      maxConnectionDurationMs: 3_600_000,
      tcpIdleTimeoutMs: 0,
      tcpKeepalive: { probes: 3, timeMs: 7_200_000, intervalMs: 75_000 },
      http1MaxPendingRequests: undefined,
      http2MaxRequests: 5,
      maxRequestsPerConnection: 6,
      maxRetries: 7,
      httpIdleTimeoutMs: 8000,
      maxConcurrentStreams: 9,
      h2Upgrade: 'always',
      useClientProtocol: false,
    });
  });

  it.each([
    [{}, 'error WEIR1201 '],
    [{ tcp: { maxConnections: -1 } }, 'error WEIR1004 .tcp.maxConnections'],
    [{ tcp: { connectTimeout: '0s' } }, 'error WEIR1012 .tcp.connectTimeout'],
    [{ tcp: { tcpKeepalive: { time: '500ms' } } }, 'error WEIR1004 .tcp.tcpKeepalive.time'],
    [{ tcp: { tcpKeepalive: { probes: 200 } } }, 'error WEIR1004 .tcp.tcpKeepalive.probes'],
    [{ http: { maxRetries: -5 } }, 'error WEIR1004 .http.maxRetries'],
    [{ http: { http2MaxRequests: 3_000_000_000 } }, 'error WEIR1004 .http.http2MaxRequests'],
    [{ http: { h2UpgradePolicy: 'UPGRADE', useClientProtocol: true } }, 'error WEIR1006 .http'],
  ])('refuses the pool %j (policy/D12, policy/D13)', (connectionPool, problem) => {
    const [severity, code, path] = problem.split(' ');
    expect(problems({ connectionPool })).toEqual([`${severity} ${code} spec.trafficPolicy.connectionPool${path}`]);
  });

  it('reads ejection; an empty block switches it on (policy/D10)', () => {
    const nothing = {
      consecutive5xxErrors: undefined,
      consecutiveGatewayErrors: undefined,
      splitExternalLocalOriginErrors: false,
      consecutiveLocalOriginFailures: undefined,
      intervalMs: undefined,
      baseEjectionTimeMs: undefined,
      maxEjectionPercent: undefined,
      minHealthPercent: undefined,
    };
    expect(policyOf({ outlierDetection: {} })?.outlierDetection).toEqual(nothing);
    const written = {
      consecutive5xxErrors: 0,
      consecutiveGatewayErrors: 3,
      interval: '5m',
      baseEjectionTime: '15m',
      maxEjectionPercent: 100,
      minHealthPercent: 50,
    };
    expect(policyOf({ outlierDetection: written })?.outlierDetection).toEqual({
      ...nothing,
      consecutive5xxErrors: 0,
      consecutiveGatewayErrors: 3,
      intervalMs: 300_000,
      baseEjectionTimeMs: 900_000,
      maxEjectionPercent: 100,
      minHealthPercent: 50,
    });
  });

  it.each([
    [{ maxEjectionPercent: 101 }, 'error WEIR1004 .maxEjectionPercent'],
    [{ minHealthPercent: -1 }, 'error WEIR1004 .minHealthPercent'],
    [{ interval: '0s' }, 'error WEIR1012 .interval'],
    [{ baseEjectionTime: '0.1ms' }, 'error WEIR1012 .baseEjectionTime'],
    [{ consecutive5xxErrors: -1 }, 'error WEIR1004 .consecutive5xxErrors'],
    [{ consecutiveLocalOriginFailures: 3 }, 'warning WEIR1021 .consecutiveLocalOriginFailures'],
  ])('says of the ejection %j what it is (policy/D10)', (outlierDetection, problem) => {
    const [severity, code, path] = problem.split(' ');
    expect(problems({ outlierDetection })).toEqual([`${severity} ${code} spec.trafficPolicy.outlierDetection${path}`]);
  });

  it('reads TLS (policy/D15)', () => {
    const tls = {
      mode: 'MUTUAL',
      clientCertificate: '/c',
      privateKey: '/k',
      caCertificates: '/a',
      sni: 's',
      subjectAltNames: ['n'],
    };
    expect(policyOf({ tls })?.tls).toEqual({
      mode: 'mutual',
      sni: 's',
      subjectAltNames: ['n'],
      caCertificates: '/a',
      clientCertificate: '/c',
      privateKey: '/k',
      credentialName: '',
      insecureSkipVerify: false,
    });
    expect(policyOf({ tls: {} })?.tls?.mode).toBe('disable');
  });

  it.each([
    [{ mode: 'MUTUAL', caCertificates: '/a' }, ['error WEIR1207 .clientCertificate', 'error WEIR1207 .privateKey']],
    [
      { mode: 'SIMPLE', credentialName: 'a', caCertificates: '/a' },
      ['error WEIR1207 .caCertificates', 'warning WEIR1009 .credentialName'],
    ],
    [{ mode: 'SIMPLE', insecureSkipVerify: true, caCertificates: '/a' }, ['error WEIR1207 .caCertificates']],
    [{ mode: 'SIMPLE', insecureSkipVerify: true }, []],
    [{ mode: 'SIMPLE', caCertificates: '/a', sni: 's'.repeat(256) }, ['error WEIR1010 .sni']],
    [{ mode: 'SIMPLE', caCertificates: '/a', caCrl: '/r' }, ['warning WEIR1009 .caCrl']],
    [{ mode: 'ISTIO_MUTUAL', caCertificates: '/a' }, ['warning WEIR1021 .caCertificates']],
    [{ mode: 'SIMPLE', caCertificates: '/a\n' }, ['error WEIR1016 .caCertificates']],
    [{ mode: 'simple' }, ['error WEIR1003 .mode']],
  ])('says of TLS %j what it is (policy/D15)', (tls, expected) => {
    expect(problems({ tls })).toEqual(
      expected.map((problem) => problem.replace(/ (\.\w+)$/, ' spec.trafficPolicy.tls$1')),
    );
  });

  it('warns of servers that any public authority vouches for (policy/P419)', () => {
    expect(problems({ tls: { mode: 'SIMPLE' } })).toEqual(['warning IST0128 spec.trafficPolicy.tls']);
    expect(problems({ portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'SIMPLE' } }] })).toEqual([
      'warning IST0129 spec.trafficPolicy.portLevelSettings[0].tls',
    ]);
  });
});
