import type { MutualTlsMode } from '../../model/mutual-tls.ts';
import { isHttp, type Protocol } from '../../model/protocol.ts';
import type { SecretOrigin } from '../../model/identity.ts';
import { plaintextHttp, type ChainMatch } from './chain-match.ts';
import { meshAny, meshHttp, meshTcp } from './mesh-tls.ts';

/** One way into a port of a workload: what it takes, and what becomes of that. */
export interface Entrance {
  readonly match: ChainMatch;
  /**
   * `http` and `tcp`: what the application speaks. `untouched`: TLS that is the application's own affair. `closed`: nobody gets in, and the
   * connection is ended.
   */
  readonly leads: 'http' | 'tcp' | 'untouched' | 'closed';
  /** Whether the mesh's own TLS ends here. */
  readonly mutualTls: boolean;
}

/** What the ways into a port depend on. */
export interface PortSecurity {
  readonly mode: MutualTlsMode;
  readonly secrets: SecretOrigin;
}

/**
 * The ways into a port by its declared protocol and its mode (policy P331 to P333, istio-compat I120 to I122). No way takes in the clear what
 * the mode says must not be: a proxy without certificate closes a port that it cannot protect.
 *
 * @param port what all of the port's connections have in common
 */
export function entrances(protocol: Protocol, { mode, secrets }: PortSecurity, port: ChainMatch): readonly Entrance[] {
  if (secrets === 'none') return mode === 'strict' ? [closed(port)] : inTheClear(protocol, port);
  switch (mode) {
    case 'disable':
      return inTheClear(protocol, port);
    case 'permissive':
      return permissive(protocol, port);
    case 'strict':
      return strict(protocol, port);
  }
}

function inTheClear(protocol: Protocol, port: ChainMatch): readonly Entrance[] {
  const raw: ChainMatch = { ...port, transport: 'raw_buffer' };
  if (protocol !== 'auto') return [{ match: raw, leads: isHttp(protocol) ? 'http' : 'tcp', mutualTls: false }];
  return [
    { match: { ...raw, applicationProtocols: plaintextHttp }, leads: 'http', mutualTls: false },
    { match: raw, leads: 'tcp', mutualTls: false },
  ];
}

function permissive(protocol: Protocol, port: ChainMatch): readonly Entrance[] {
  const tls: ChainMatch = { ...port, transport: 'tls' };
  const clear = inTheClear(protocol, port);
  const untouched: Entrance = { match: tls, leads: 'untouched', mutualTls: false };
  if (protocol === 'auto') {
    return [
      { match: { ...tls, applicationProtocols: meshHttp }, leads: 'http', mutualTls: true },
      { match: { ...tls, applicationProtocols: meshTcp }, leads: 'tcp', mutualTls: true },
      ...clear,
      untouched,
    ];
  }
  const http = isHttp(protocol);
  const ofMesh: Entrance = {
    match: { ...tls, applicationProtocols: meshAny },
    leads: http ? 'http' : 'tcp',
    mutualTls: true,
  };
  // Behind a port of HTTP nobody understands TLS of its own.
  return http ? [ofMesh, ...clear] : [ofMesh, untouched, ...clear];
}

function strict(protocol: Protocol, port: ChainMatch): readonly Entrance[] {
  const tls: ChainMatch = { ...port, transport: 'tls' };
  if (protocol !== 'auto') return [{ match: tls, leads: isHttp(protocol) ? 'http' : 'tcp', mutualTls: true }];
  return [
    { match: { ...tls, applicationProtocols: meshHttp }, leads: 'http', mutualTls: true },
    { match: tls, leads: 'tcp', mutualTls: true },
  ];
}

function closed(port: ChainMatch): Entrance {
  return { match: port, leads: 'closed', mutualTls: false };
}
