import { describe, expect, it } from 'vitest';
import { describeConfigProblems, readConfig, type ConfigInput } from './config.ts';

function read({ file, ...input }: Partial<ConfigInput> & { readonly file?: string }) {
  return readConfig({
    flags: {},
    environment: {},
    readFile: () => {
      if (file === undefined) throw new Error('no such file');
      return file;
    },
    ...input,
  });
}

function settingsOf(input: Parameters<typeof read>[0]) {
  const result = read(input);
  if (result.kind === 'invalid') throw new Error(describeConfigProblems(result.problems));
  return result.settings;
}

function problemsOf(input: Parameters<typeof read>[0]): string {
  const result = read(input);
  return result.kind === 'valid' ? '' : describeConfigProblems(result.problems);
}

describe('precedence', () => {
  const file = 'admin: 127.0.0.1:3';
  const environment = { WEIR_ADMIN: '127.0.0.1:2', WEIR_CONFIG: 'weir.yaml' };
  const flags = { admin: '127.0.0.1:1' };

  it.each([
    ['a flag wins', { flags, environment, file }, 1],
    ['then the environment', { environment, file }, 2],
    ['then the file', { environment: { WEIR_CONFIG: 'weir.yaml' }, file }, 3],
    ['then the default', {}, 15014],
    ['an empty variable is not set', { environment: { ...environment, WEIR_ADMIN: '' }, file }, 3],
  ])('%s', (_, input, port) => {
    expect(settingsOf(input).admin).toEqual({ host: '127.0.0.1', port });
  });

  it('of a wrong value does not fall back to a right one', () => {
    expect(problemsOf({ flags: { admin: 'nonsense' }, environment, file })).toMatch(/^--admin must be HOST:PORT/);
  });
});

describe('files', () => {
  it.each([
    ['flags', { flags: { files: ['a', 'b'] } }],
    ['a variable', { environment: { WEIR_FILES: 'a,b' } }],
    ['a list in the file', { flags: { config: 'weir.yaml' }, file: 'files: [a, b]' }],
    ['JSON', { flags: { config: 'weir.json' }, file: '{"files": ["a", "b"]}' }],
  ])('can be given by %s', (_, input) => {
    expect(settingsOf(input).files).toEqual(['a', 'b']);
  });
});

describe('a cluster', () => {
  it.each([
    ['a flag without a value', { flags: { kubernetes: true } }],
    ['a variable', { environment: { WEIR_KUBERNETES: 'true' } }],
    ['the file', { flags: { config: 'weir.yaml' }, file: 'kubernetes: true' }],
  ] as const)('can be asked for by %s', (_, input) => {
    expect(settingsOf(input).kubernetes).toBe(true);
  });

  it('is what its other settings are of no use without', () => {
    expect(problemsOf({ flags: { kubernetesNamespaces: ['shop'] } })).toBe(
      '--kubernetes-namespaces is of no use without --kubernetes',
    );
  });

  it('can be looked at in part', () => {
    const { kubernetesNamespaces, kubernetesNamespaceSelector, kubernetesMeshConfig } = settingsOf({
      flags: {
        kubernetes: true,
        kubernetesNamespaces: 'shop,bank',
        kubernetesNamespaceSelector: 'weir.dev/discovery=enabled',
        kubernetesMeshConfig: 'weir-system/mesh',
      },
    });
    expect(kubernetesNamespaces).toEqual(['shop', 'bank']);
    expect(kubernetesNamespaceSelector?.requirements).toHaveLength(1);
    expect(kubernetesMeshConfig).toEqual({ namespace: 'weir-system', name: 'mesh' });
  });

  it.each([
    [{ kubernetesNamespaceSelector: 'a b' }, /must be a selector of labels .*"a b" is none/],
    [{ kubernetesMeshConfig: 'mesh' }, /must be NAMESPACE\/NAME/],
    [{ kubernetesNamespaces: 'Shop' }, /must be names of namespaces/],
  ])('is not looked at by %j', (flags, problem) => {
    expect(problemsOf({ flags: { kubernetes: true, ...flags } })).toMatch(problem);
  });
});

it('leaves unset what has no default', () => {
  expect(settingsOf({})).toEqual({
    injectAudience: 'weir.dev',
    injectEnvoyImage: 'envoyproxy/envoy:v1.40.0',
    injectNative: 'auto',
    injectNever: ['weir-system'],
    injectXds: { host: 'weir.weir-system.svc', port: 15_012 },
    files: undefined,
    kubernetes: undefined,
    kubeconfig: undefined,
    kubernetesContext: undefined,
    kubernetesNamespaces: undefined,
    kubernetesNamespaceSelector: undefined,
    kubernetesMeshConfig: undefined,
    kubernetesRemoteSecrets: undefined,
    nacosNamespaces: [{ id: 'public', meshNamespace: 'public' }],
    nacosGroups: ['DEFAULT_GROUP'],
    nacosHosts: 'nacos',
    nacosContextPath: '/nacos',
    nacosGrpcPortOffset: 1000,
    nacosListPeriod: 10_000,
    nacosAuditPeriod: 300_000,
    nacosConcurrency: 200,
    xdsPlaintext: undefined,
    xdsTls: undefined,
    xdsTlsCert: undefined,
    xdsTlsKey: undefined,
    xdsTlsClientCa: undefined,
    xdsTlsNames: ['weir.weir-system.svc', 'istiod.weir-system.svc', 'localhost', '127.0.0.1'],
    tokenAudiences: ['weir.dev', 'istio-ca'],
    trustDomainAliases: undefined,
    xdsTransport: 'codec',
    xdsStreamsPerSecond: 200,
    xdsMaxConnectionAge: 1_800_000,
    xdsKeepalive: 30_000,
    xdsStallTimeout: 60_000,
    trustDomain: 'cluster.local',
    caDir: undefined,
    caSecret: undefined,
    certificateLifetime: 86_400_000,
    domain: 'cluster.local',
    admin: { host: '127.0.0.1', port: 15014 },
    routeDelivery: 'route-configuration',
    removalBudget: { most: { kind: 'share', share: 0.25 }, window: 300_000 },
    removalBudgetConfirmation: 60_000,
    removalBudgetMode: 'hold',
    stateDir: undefined,
    adminTokenFile: undefined,
    auditInterval: 600_000,
    logLevel: 'info',
    logFormat: 'auto',
  });
});

it('takes an empty file as one without settings', () => {
  expect(settingsOf({ flags: { config: 'weir.yaml' }, file: '# nothing yet\n' }).admin.port).toBe(15014);
});

describe('problems name the place and say what to do', () => {
  const config = { flags: { config: 'weir.yaml' } };

  it.each([
    ['flag', { flags: { admin: '15014' } }, '--admin must be HOST:PORT, for example 127.0.0.1:15014 or [::1]:15014'],
    ['variable', { environment: { WEIR_LOG_LEVEL: 'loud' } }, 'WEIR_LOG_LEVEL must be one of error, warn, info, debug'],
    [
      'line of the file',
      { ...config, file: '# settings\nadmin: 15014\n' },
      'weir.yaml:2 (admin) must be HOST:PORT, for example 127.0.0.1:15014 or [::1]:15014',
    ],
    [
      'unknown setting',
      { ...config, file: 'xdsPlaintex: 127.0.0.1:15010' },
      'weir.yaml:1 (xdsPlaintex) is not a setting; did you mean xdsPlaintext?',
    ],
    [
      'unknown setting like no other',
      { ...config, file: 'colour: red' },
      /^weir\.yaml:1 \(colour\) is not a setting; the settings are files, kubernetes, .*, logLevel, logFormat$/,
    ],
    ['broken YAML', { ...config, file: 'admin: [\n' }, /^weir\.yaml:\d is not YAML: /],
    ['list', { ...config, file: '- admin' }, 'weir.yaml must hold settings, one `key: value` a line'],
    ['missing file', config, 'weir.yaml cannot be read: no such file'],
    ['list of nothing', { ...config, file: 'files: []' }, 'weir.yaml:1 (files) must name a directory'],
    [
      'wrong form',
      { ...config, file: 'files: {a: b}' },
      'weir.yaml:1 (files) must be a directory or a list of directories',
    ],
  ])('%s', (_, input, expected) => {
    if (typeof expected === 'string') expect(problemsOf(input)).toBe(expected);
    else expect(problemsOf(input)).toMatch(expected);
  });

  it('all at once', () => {
    expect(problemsOf({ ...config, file: 'admin: x\nlogLevel: loud\nfoo: 1' }).split('\n')).toHaveLength(3);
  });
});

describe('plaintext xDS', () => {
  it.each(['127.0.0.1:0', '127.8.9.10:15010', '[::1]:15010', 'localhost:15010'])('may be served on %s', (address) => {
    expect(problemsOf({ flags: { xdsPlaintext: address } })).toBe('');
  });

  it.each(['0.0.0.0:15010', '10.0.0.1:15010', '[::]:15010', 'weir.example:15010'])('is refused on %s', (address) => {
    expect(problemsOf({ flags: { xdsPlaintext: address } })).toMatch(
      /^--xds-plaintext must be an address of this machine alone/,
    );
  });
});

describe('xDS over TLS', () => {
  const complete = { xdsTls: '0.0.0.0:15012', xdsTlsCert: 'c', xdsTlsKey: 'k', xdsTlsClientCa: 'a' };

  it('may be served to everybody who has a certificate', () => {
    expect(settingsOf({ flags: complete })).toMatchObject({ xdsTls: { host: '0.0.0.0', port: 15012 } });
  });

  it('needs all of its settings', () => {
    expect(problemsOf({ flags: { xdsTls: '0.0.0.0:15012', xdsTlsCert: 'c', xdsTlsClientCa: 'a' } })).toBe(
      '--xds-tls-cert is of no use without --xds-tls-key',
    );
    expect(
      problemsOf({ environment: { WEIR_XDS_TLS_CERT: 'c', WEIR_XDS_TLS_KEY: 'k', WEIR_XDS_TLS_CLIENT_CA: 'a' } }),
    ).toBe('WEIR_XDS_TLS_CERT is of no use without --xds-tls');
  });

  it('takes its certificate from files or from the authority of the mesh, and from nowhere else (istio-compat/I27)', () => {
    expect(problemsOf({ flags: { xdsTls: '0.0.0.0:15012' } })).toBe(
      '--xds-tls is of no use without --xds-tls-cert or --ca-dir or --ca-secret',
    );
    expect(problemsOf({ flags: { xdsTls: '0.0.0.0:15012', caDir: '/ca' } })).toBe('');
  });
});

describe('limits of connections', () => {
  it('are durations and numbers', () => {
    const flags = { xdsMaxConnectionAge: '1h30m', xdsKeepalive: '5s', xdsStreamsPerSecond: '35' };
    expect(settingsOf({ flags })).toMatchObject({
      xdsMaxConnectionAge: 5_400_000,
      xdsKeepalive: 5_000,
      xdsStreamsPerSecond: 35,
    });
  });

  it('of age can be switched off', () => {
    expect(settingsOf({ flags: { xdsMaxConnectionAge: 'off' } }).xdsMaxConnectionAge).toBeUndefined();
  });

  it.each([
    ['xdsKeepalive', '30', '--xds-keepalive must be a duration such as 30s or 5m, but it has no unit'],
    ['xdsMaxConnectionAge', 'never', '--xds-max-connection-age must be a duration such as 30s or 5m, or off'],
    ['xdsStreamsPerSecond', '0', '--xds-streams-per-second must be a whole number from 1 to 999999'],
    ['xdsTransport', 'quic', '--xds-transport must be one of codec, http2, grpc-js'],
  ])('%s: %s is refused with advice', (key, value, message) => {
    expect(problemsOf({ flags: { [key]: value } })).toBe(message);
  });
});

it('reads where a Nacos is and what of it belongs to the mesh', () => {
  const flags = { nacos: 'nacos-0,nacos-1:8849,[fd00::1]:8848', nacosNamespaces: 'public=shop,6f1c,Dev' };
  expect(settingsOf({ flags })).toMatchObject({
    nacos: [
      { host: 'nacos-0', port: 8848 },
      { host: 'nacos-1', port: 8849 },
      { host: 'fd00::1', port: 8848 },
    ],
    nacosNamespaces: [
      { id: 'public', meshNamespace: 'shop' },
      { id: '6f1c', meshNamespace: '6f1c' },
      { id: 'Dev', meshNamespace: expect.stringMatching(/^dev-x[0-9a-f]{10}$/) },
    ],
  });
});
