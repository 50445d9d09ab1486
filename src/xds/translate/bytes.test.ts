import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encode } from '../proto.ts';
import { splice } from './bytes.ts';

const routeConfiguration = 'envoy.config.route.v3.RouteConfiguration';
const virtualHost = 'envoy.config.route.v3.VirtualHost';

it('gives the bytes that encoding the whole would have given', () => {
  const name = fc.string({ maxLength: 200 });
  const host = fc.record({ name, domains: fc.array(name, { maxLength: 3 }), requestHeadersToRemove: fc.array(name) });
  fc.assert(
    fc.property(name, fc.array(host, { maxLength: 4 }), (tableName, hosts) => {
      const values = hosts.map(({ name: hostName, domains, ...rest }) => [
        encode(virtualHost, { name: hostName, domains }),
        encode(virtualHost, rest),
      ]);
      const before = encode(routeConfiguration, { name: tableName });
      const after = encode(routeConfiguration, { ignorePortInHostMatching: true });
      const whole = { name: tableName, virtualHosts: hosts, ignorePortInHostMatching: true };
      expect(splice(before, { field: 2, values }, after)).toEqual(encode(routeConfiguration, whole));
    }),
  );
});
