import type { ConnectionPool } from '../../../model/traffic-policy.ts';
import type { Reading } from './reading.ts';
import type { ConnectionPoolSpec } from './schemas/destination-rule.ts';
import { decodeDuration, inRange, positive } from './values.ts';

type TcpSpec = NonNullable<ConnectionPoolSpec['tcp']>;
type HttpSpec = NonNullable<ConnectionPoolSpec['http']>;

/** Limits of connections and requests (policy D12, D13). Zero means "no limit" in Istio's API. */
export function decodeConnectionPool(spec: ConnectionPoolSpec, path: string, reading: Reading): ConnectionPool {
  if (spec.tcp === undefined && spec.http === undefined) {
    reading.error('WEIR1201', path, 'the connection pool says nothing', 'add tcp or http, or remove it');
  }
  return {
    ...decodeTcp(spec.tcp ?? {}, `${path}.tcp`, reading),
    ...decodeHttp(spec.http ?? {}, `${path}.http`, reading),
  };
}

type TcpFields =
  'maxConnections' | 'connectTimeoutMs' | 'maxConnectionDurationMs' | 'tcpIdleTimeoutMs' | 'tcpKeepalive';

function decodeTcp(spec: TcpSpec, path: string, reading: Reading): Pick<ConnectionPool, TcpFields> {
  return {
    maxConnections: positive(spec.maxConnections, `${path}.maxConnections`, reading),
    connectTimeoutMs: decodeDuration(spec.connectTimeout, `${path}.connectTimeout`, reading),
    maxConnectionDurationMs: decodeDuration(spec.maxConnectionDuration, `${path}.maxConnectionDuration`, reading),
    tcpIdleTimeoutMs: decodeDuration(spec.idleTimeout, `${path}.idleTimeout`, reading, 0),
    tcpKeepalive: decodeKeepalive(spec.tcpKeepalive, `${path}.tcpKeepalive`, reading),
  };
}

function decodeKeepalive(
  spec: TcpSpec['tcpKeepalive'],
  path: string,
  reading: Reading,
): ConnectionPool['tcpKeepalive'] {
  if (spec === undefined) return undefined;
  // Beyond these bounds the kernel refuses the option, and with it the proxy every connection.
  return {
    probes: spec.probes === 0 ? undefined : inRange(spec.probes, [1, 127], `${path}.probes`, reading),
    timeMs: decodeKernelTime(spec.time, `${path}.time`, reading),
    intervalMs: decodeKernelTime(spec.interval, `${path}.interval`, reading),
  };
}

function decodeKernelTime(text: string | undefined, path: string, reading: Reading): number | undefined {
  const milliseconds = decodeDuration(text, path, reading);
  if (milliseconds === undefined || (milliseconds >= 1000 && milliseconds <= 32_767_000)) return milliseconds;
  reading.error('WEIR1004', path, `${text} is not between 1s and 32767s`, 'use whole seconds from 1s to 32767s');
  return undefined;
}

function decodeHttp(spec: HttpSpec, path: string, reading: Reading): Omit<ConnectionPool, TcpFields> {
  if (spec.h2UpgradePolicy === 'UPGRADE' && spec.useClientProtocol === true) {
    const message = 'useClientProtocol and the upgrade to HTTP/2 exclude each other';
    reading.error('WEIR1006', path, message, 'remove useClientProtocol or h2UpgradePolicy');
  }
  if (spec.http2KeepAlive !== undefined) {
    reading.notInForce(`${path}.http2KeepAlive`, 'no pings are sent; tcpKeepalive is in force');
  }
  return {
    http1MaxPendingRequests: positive(spec.http1MaxPendingRequests, `${path}.http1MaxPendingRequests`, reading),
    http2MaxRequests: positive(spec.http2MaxRequests, `${path}.http2MaxRequests`, reading),
    maxRequestsPerConnection: positive(spec.maxRequestsPerConnection, `${path}.maxRequestsPerConnection`, reading),
    maxRetries: positive(spec.maxRetries, `${path}.maxRetries`, reading),
    httpIdleTimeoutMs: decodeDuration(spec.idleTimeout, `${path}.idleTimeout`, reading),
    maxConcurrentStreams: positive(spec.maxConcurrentStreams, `${path}.maxConcurrentStreams`, reading),
    h2Upgrade: upgrades[spec.h2UpgradePolicy ?? 'DEFAULT'],
    useClientProtocol: spec.useClientProtocol ?? false,
  };
}

const upgrades: Readonly<Record<NonNullable<HttpSpec['h2UpgradePolicy']>, ConnectionPool['h2Upgrade']>> = {
  DEFAULT: 'default',
  DO_NOT_UPGRADE: 'never',
  UPGRADE: 'always',
};
