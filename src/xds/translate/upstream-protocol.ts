import { isHttp, isHttp2, type Protocol } from '../../model/protocol.ts';
import type { ConnectionPool } from '../../model/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { pack } from '../proto.ts';

/** How Envoy speaks to the endpoints of a cluster. */

/** Extension options of a cluster, as a spreadable part of it; nothing where Envoy's default (HTTP/1.1) is what is meant. */
export type ExtensionOptions = Pick<envoy.Cluster, 'typedExtensionProtocolOptions'>;

const plainHttp1: envoy.HttpProtocolOptions = { explicitHttpConfig: { httpProtocolOptions: {} } };
const httpOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export interface UpstreamProtocol {
  readonly protocol: Protocol;
  readonly pool: ConnectionPool | undefined;
  /** The server name sent in a TLS handshake is the request's host. */
  readonly serverNameFromHost: boolean;
  /** The server's certificate must be for the name that was sent. */
  readonly certificateForHost: boolean;
}

/** @returns options for ports that carry HTTP, declared or detected; none for others */
export function upstreamProtocolOptions(upstream: UpstreamProtocol): ExtensionOptions {
  const { protocol, pool, serverNameFromHost: autoSni, certificateForHost: autoSanValidation } = upstream;
  if (!isHttp(protocol) && protocol !== 'auto' && pool?.h2Upgrade !== 'always') return {};
  const choice = protocolChoice(protocol, pool);
  const commonHttpProtocolOptions = commonOptions(pool);
  const upstreamHttpProtocolOptions = autoSni || autoSanValidation ? { autoSni, autoSanValidation } : undefined;
  const isDefault = choice === plainHttp1 && commonHttpProtocolOptions === undefined;
  if (isDefault && upstreamHttpProtocolOptions === undefined) return {};
  const options: envoy.HttpProtocolOptions = { ...choice, commonHttpProtocolOptions, upstreamHttpProtocolOptions };
  return { typedExtensionProtocolOptions: { [httpOptionsName]: pack(httpOptionsName, options) } };
}

/** Clusters behind which anything may listen speak what the caller speaks. */
export const sameAsCaller: ExtensionOptions = {
  typedExtensionProtocolOptions: {
    [httpOptionsName]: pack(httpOptionsName, {
      useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    }),
  },
};

/** HTTP/2 from the first byte where the port is declared so or the policy upgrades it (policy D13). */
function protocolChoice(protocol: Protocol, pool: ConnectionPool | undefined): envoy.HttpProtocolOptions {
  const http2ProtocolOptions: envoy.Http2ProtocolOptions = {
    maxConcurrentStreams: pool?.maxConcurrentStreams === undefined ? undefined : { value: pool.maxConcurrentStreams },
  };
  if (pool?.useClientProtocol === true) {
    return { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions } };
  }
  if (speaksHttp2(protocol, pool)) return { explicitHttpConfig: { http2ProtocolOptions } };
  if (protocol === 'auto') return { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions } };
  return plainHttp1;
}

/** Whether connections of the cluster are HTTP/2 whatever the caller speaks. */
export function speaksHttp2(protocol: Protocol, pool: ConnectionPool | undefined): boolean {
  if (pool?.useClientProtocol === true) return false;
  return isHttp2(protocol) || pool?.h2Upgrade === 'always';
}

/** undefined: nothing is limited. */
function commonOptions(pool: ConnectionPool | undefined): envoy.CommonHttpProtocolOptions | undefined {
  if (pool === undefined) return undefined;
  const { maxRequestsPerConnection, maxConnectionDurationMs } = pool;
  const idleTimeoutMs = pool.httpIdleTimeoutMs ?? pool.tcpIdleTimeoutMs;
  if (idleTimeoutMs === undefined && maxRequestsPerConnection === undefined && maxConnectionDurationMs === undefined)
    return undefined;
  return {
    idleTimeout: idleTimeoutMs === undefined ? undefined : milliseconds(idleTimeoutMs),
    maxConnectionDuration: maxConnectionDurationMs === undefined ? undefined : milliseconds(maxConnectionDurationMs),
    // 0 is Istio's word for no limit; Envoy has none unless told.
    maxRequestsPerConnection:
      maxRequestsPerConnection === undefined || maxRequestsPerConnection === 0
        ? undefined
        : { value: maxRequestsPerConnection },
  };
}
