import type { MeshSettings } from '../../model/mesh-settings.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { passthroughCluster, type SharedRouteName } from '../names.ts';

/** What happens to requests for hosts that a table does not hold (policy P117). */
export function otherHosts(
  route: SharedRouteName,
  outboundTraffic: MeshSettings['outboundTraffic'],
): envoy.VirtualHost {
  switch (route.kind) {
    case 'http-proxy':
      // A client of an HTTP proxy dials the proxy: there is no address behind its connection to pass the request on to.
      return directVirtualHost('weir: no service of the mesh has this name and port\n');
    case 'port':
      return outboundTraffic === 'allow-any' ? passingVirtualHost() : directVirtualHost(undefined);
  }
}

function passingVirtualHost(): envoy.VirtualHost {
  const route = { cluster: passthroughCluster, timeout: milliseconds(0), maxGrpcTimeout: milliseconds(0) };
  return {
    name: 'allow_any',
    domains: ['*'],
    routes: [{ name: 'allow_any', match: { prefix: '/' }, route }],
    includeRequestAttemptCount: true,
  };
}

function directVirtualHost(body: string | undefined): envoy.VirtualHost {
  const directResponse = { status: 502, body: body === undefined ? undefined : { inlineString: body } };
  return {
    name: 'block_all',
    domains: ['*'],
    routes: [{ name: 'block_all', match: { prefix: '/' }, directResponse }],
    includeRequestAttemptCount: true,
  };
}
