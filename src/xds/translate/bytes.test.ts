import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encode } from '../proto.ts';
import { fieldStart, joined, lengthOf } from './bytes.ts';

const routeConfiguration = 'envoy.config.route.v3.RouteConfiguration';
const virtualHost = 'envoy.config.route.v3.VirtualHost';

it('gives the bytes that encoding the whole would have given', () => {
  const name = fc.string({ maxLength: 200 });
  const host = fc.record({ name, domains: fc.array(name, { maxLength: 3 }), requestHeadersToRemove: fc.array(name) });
  fc.assert(
    fc.property(name, fc.array(host, { maxLength: 4 }), (tableName, hosts) => {
      const entries = hosts.flatMap(({ name: hostName, domains, ...rest }) => {
        const parts = [encode(virtualHost, { name: hostName, domains }), encode(virtualHost, rest)];
        return [fieldStart(2, lengthOf(parts)), ...parts];
      });
      const before = encode(routeConfiguration, { name: tableName });
      const after = encode(routeConfiguration, { ignorePortInHostMatching: true });
      const whole = { name: tableName, virtualHosts: hosts, ignorePortInHostMatching: true };
      expect(joined([before, ...entries, after])).toEqual(encode(routeConfiguration, whole));
    }),
  );
});
