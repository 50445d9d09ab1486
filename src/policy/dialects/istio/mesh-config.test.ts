import { describe, expect, it } from 'vitest';
import { problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';

describe('mesh-wide settings', () => {
  it.each([
    [{}, {}],
    [null, {}],
    [
      { rootNamespace: 'istio-system', trustDomain: 'td.example' },
      { rootNamespace: 'istio-system', trustDomain: 'td.example' },
    ],
    [{ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, { outboundTraffic: 'registry-only' }],
    [{ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, { outboundTraffic: 'allow-any' }],
    [{ outboundTrafficPolicy: {} }, { outboundTraffic: 'registry-only' }],
    [
      { connectTimeout: '5s', protocolDetectionTimeout: '0s', dnsRefreshRate: '1m' },
      { connectTimeoutMs: 5000, protocolDetectionTimeoutMs: 0, dnsRefreshRateMs: 60_000 },
    ],
    [
      { accessLogFile: '/dev/stdout', accessLogEncoding: 'JSON', accessLogFormat: '{"p":"%PROTOCOL%"}' },
      { accessLogFile: '/dev/stdout', accessLogEncoding: 'json', accessLogFormat: '{"p":"%PROTOCOL%"}' },
    ],
    [{ accessLogFormat: '[%START_TIME%]\n' }, { accessLogFormat: '[%START_TIME%]\n' }],
    [
      { proxyListenPort: 15_101, proxyInboundListenPort: 15_106 },
      { proxyListenPort: 15_101, proxyInboundListenPort: 15_106 },
    ],
    [{ pathNormalization: { normalization: 'MERGE_SLASHES' } }, { pathNormalization: 'merge-slashes' }],
    [{ pathNormalization: { normalization: 'DEFAULT' } }, {}],
    [
      { defaultServiceExportTo: ['.'], defaultVirtualServiceExportTo: ['*'], defaultDestinationRuleExportTo: ['a'] },
      { defaultServiceExportTo: ['.'], defaultVirtualServiceExportTo: ['*'], defaultDestinationRuleExportTo: ['a'] },
    ],
  ])('%j sets %j (policy/E15)', (spec, settings) => {
    expect(valueOf('MeshConfig', spec).settings).toEqual(settings);
  });

  it('has defaults for rules that say nothing (policy/E15)', () => {
    const { settings } = valueOf('MeshConfig', {
      defaultHttpRetryPolicy: { attempts: 0 },
      localityLbSetting: { enabled: true, failover: [{ from: 'a', to: 'b' }] },
      defaultTrafficPolicy: { outlierDetection: {}, connectionPool: { tcp: { maxConnections: 1 } } },
    });
    expect(settings).toMatchObject({
      defaultRetries: { attempts: 0 },
      locality: { enabled: true, failover: [{ from: 'a', to: 'b' }] },
      defaultTrafficPolicy: { loadBalancer: undefined, connectionPool: { maxConnections: 1 }, tls: undefined },
    });
  });

  it.each([
    [
      'an unknown setting, which must not keep the others out',
      { acessLogFile: '/a' },
      'warning WEIR1001 spec.acessLogFile',
    ],
    [
      'an unknown setting inside another',
      { localityLbSetting: { enable: true } },
      'warning WEIR1001 spec.localityLbSetting.enable',
    ],
    [
      'one that is not in force',
      { verifyCertificateAtClient: true },
      'warning WEIR1009 spec.verifyCertificateAtClient',
    ],
    [
      'settings of proxies',
      { defaultConfig: { discoveryAddress: 'a:1', concurrency: 2 } },
      'warning WEIR1009 spec.defaultConfig',
    ],
    [
      'providers that do not authorize',
      { extensionProviders: [{ name: 'x', prometheus: {} }] },
      'warning WEIR1009 spec.extensionProviders[0]',
    ],
    [
      'providers of no service',
      { extensionProviders: [{ name: 'x', envoyExtAuthzGrpc: { port: 1 } }] },
      'error WEIR1005 spec.extensionProviders[0].envoyExtAuthzGrpc.service',
    ],
    [
      'names resolved on the way',
      { outboundTrafficPolicy: { mode: 'ALLOW_ANY_DYNAMIC_DNS' } },
      'warning WEIR1009 spec.outboundTrafficPolicy.mode',
    ],
    ['a wrong type', { accessLogFile: 5 }, 'error WEIR1002 spec.accessLogFile'],
    ['a wrong word', { outboundTrafficPolicy: { mode: 'ALLOW' } }, 'error WEIR1003 spec.outboundTrafficPolicy.mode'],
    ['a wrong duration', { connectTimeout: '10' }, 'error WEIR1012 spec.connectTimeout'],
    ['a wrong namespace', { rootNamespace: 'a/b' }, 'error WEIR1019 spec.rootNamespace'],
    [
      'a wrong trust domain',
      { trustDomain: 'a b' },
      'warning WEIR1009 spec.trustDomain',
      'error WEIR1010 spec.trustDomain',
    ],
    ['one port for both directions', { proxyListenPort: 15006 }, 'error WEIR1006 spec.proxyListenPort'],
    ['a wrong port', { proxyListenPort: 0 }, 'error WEIR1004 spec.proxyListenPort'],
    [
      'wrong retries',
      { defaultHttpRetryPolicy: { attempts: 2, retryOn: 'x' } },
      'error WEIR1107 spec.defaultHttpRetryPolicy.retryOn',
    ],
    [
      'a log format that is no JSON',
      { accessLogEncoding: 'JSON', accessLogFormat: '%PROTOCOL%' },
      'error WEIR1002 spec.accessLogFormat',
    ],
    ['a log format that proxies refuse', { accessLogFormat: '%FOO%' }, 'error WEIR1016 spec.accessLogFormat'],
  ])('says of %s what it is (policy/E15)', (_, spec, ...expected) => {
    expect(problemsOf('MeshConfig', spec)).toEqual(expected);
  });
});
