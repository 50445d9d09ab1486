import { describe, expect, it } from 'vitest';
import type * as envoy from './envoy.ts';
import { pack } from './proto.ts';
import { encodePublishable, RuleViolationError } from './publishable.ts';
import { validate } from './validation.ts';

function pathsOf(message: envoy.Cluster): readonly string[] {
  return validate('envoy.config.cluster.v3.Cluster', message).map(({ path, rule }) => `${path} ${rule}`);
}

describe('xds-protocol/X305 what Envoy would reject with the whole response is found', () => {
  it('finds nothing in a good cluster', () => {
    expect(pathsOf({ name: 'a', connectTimeout: { seconds: 1 }, lbPolicy: 'RANDOM' })).toEqual([]);
  });

  it.each<[envoy.Cluster, string]>([
    [{}, 'name is at least 1 character long'],
    [{ name: 'a', connectTimeout: {} }, 'connectTimeout is greater than 0s'],
    [{ name: 'a', cleanupInterval: { seconds: -1 } }, 'cleanupInterval is not negative'],
    [
      { name: 'a', maxRequestsPerConnection: { value: 1 }, ringHashLbConfig: { minimumRingSize: { value: 9e6 } } },
      'ringHashLbConfig.minimumRingSize is at most 8388608',
    ],
    [
      { name: 'a', outlierDetection: { maxEjectionPercent: { value: 101 } } },
      'outlierDetection.maxEjectionPercent is at most 100',
    ],
    [{ name: 'a', healthChecks: [{ timeout: { seconds: 1 } }] }, 'healthChecks[0].interval is present'],
    [{ name: 'a', metadata: { filterMetadata: { '': {} } } }, 'metadata.filterMetadata[] is at least 1 character long'],
    [
      {
        name: 'a',
        loadAssignment: { clusterName: 'a', endpoints: [{ lbEndpoints: [{ endpoint: { address: {} } }] }] },
      },
      'loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address has one of socketAddress, pipe, envoyInternalAddress',
    ],
    [
      { name: 'a', loadAssignment: { clusterName: 'a', endpoints: [{ priority: 129 }] } },
      'loadAssignment.endpoints[0].priority is at most 128',
    ],
    [{ name: 'a', dnsRefreshRate: { nanos: 1_000_000 } }, 'dnsRefreshRate is greater than 0.001s'],
  ])('%j', (message, violation) => {
    expect(pathsOf(message)).toContain(violation);
  });

  it('looks into an Any of a known type', () => {
    const listener: envoy.Listener = {
      filterChains: [
        {
          filters: [
            {
              name: 'http',
              typedConfig: pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
                statPrefix: '',
                rds: { configSource: { ads: {} } },
              }),
            },
          ],
        },
      ],
    };
    const violations = validate('envoy.config.listener.v3.Listener', listener);
    expect(violations.map(({ path }) => path)).toEqual(['filterChains[0].filters[0].typedConfig.statPrefix']);
  });

  it.each([
    ['x-good', 0],
    ['bad\nname', 1],
    ['', 1],
  ])('header name %j has %i violations', (key, count) => {
    const violations = validate('envoy.config.core.v3.HeaderValueOption', { header: { key, value: 'v' } });
    expect(violations).toHaveLength(count);
  });

  it('checks the set member of a oneof and not the others', () => {
    const route: envoy.Route = { match: { prefix: '/' }, redirect: { responseCode: 'FOUND' } };
    expect(validate('envoy.config.route.v3.Route', route)).toEqual([]);
    expect(validate('envoy.config.route.v3.Route', { match: {} }).map(({ path }) => path)).toEqual(['match', '']);
  });

  it('checks items of lists and values that a field may not have', () => {
    const retries: envoy.RetryPolicy = { retryBackOff: {}, numRetries: { value: 1 } };
    expect(validate('envoy.config.route.v3.RetryPolicy', retries).map(({ path }) => path)).toEqual([
      'retryBackOff.baseInterval',
    ]);
    const hosts: envoy.VirtualHost = { name: 'a', domains: [''] };
    expect(validate('envoy.config.route.v3.VirtualHost', { ...hosts, domains: [] })).toHaveLength(1);
  });
});

it('gives no bytes of a message that breaks a rule, and says which', () => {
  expect(() => encodePublishable('envoy.config.cluster.v3.Cluster', {})).toThrow(RuleViolationError);
  expect(() => encodePublishable('envoy.config.cluster.v3.Cluster', {})).toThrow(/name .*at least 1 character/);
  expect(encodePublishable('envoy.config.cluster.v3.Cluster', { name: 'a' }).length).toBe(3);
});
