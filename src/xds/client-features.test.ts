import { expect, it } from 'vitest';
import { featuresOf } from './client-features.ts';

const ttl = 'xds.config.supports-resource-ttl';

it.each([
  ['none', [], false, false],
  ['expiry alone', [ttl], true, false],
  ['expiry and the wrapper', [ttl, 'xds.config.resource-in-sotw'], true, true],
  ['expiry and the wrapper in the other spelling', [ttl, 'xds.config.supports-resource-in-sotw'], true, true],
  ['the wrapper alone', ['xds.config.resource-in-sotw'], false, false],
])('what a client announces counts (xds-protocol/X14): %s', (_, clientFeatures, delta, sotw) => {
  expect(featuresOf({ id: 'n', clientFeatures })).toEqual({ expiry: { delta, sotw } });
});

it.each([
  ['envoy', 1, 40, true],
  ['envoy', 1, 17, true],
  ['envoy', 2, 0, true],
  ['envoy', 1, 16, false],
  ['gRPC C-core', 1, 51, false],
])('Envoy announces nothing and is known by its version (xds-protocol/X316): %s %i.%i', (name, major, minor, knows) => {
  const version = { majorNumber: major, minorNumber: minor };
  const node = { id: 'n', userAgentName: name, userAgentBuildVersion: { version } };
  expect(featuresOf(node)).toEqual({ expiry: { delta: knows, sotw: knows } });
});
