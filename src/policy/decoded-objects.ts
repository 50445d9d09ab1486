import type { Read } from '../incremental/definitions.ts';
import type { ConfigKind, ConfigObject } from '../model/config-object.ts';
import type { ConfigKey } from '../model/keys.ts';
import { configs } from '../model/tables.ts';
import { decodeConfig } from './dialects/istio/decode.ts';
import type {
  DecodedAuthorizationPolicy,
  DecodedConfig,
  DecodedDestinationRule,
  DecodedMeshConfig,
  DecodedPeerAuthentication,
  DecodedRequestAuthentication,
  DecodedServiceEntry,
  DecodedVirtualService,
  DecodedWorkloadEntry,
} from './dialects/istio/decoded.ts';

/** From rows to what they say, whichever dialect they are written in. Decoding is memoised per object, so asking again costs nothing. */

function valueIn<Kind extends DecodedConfig['kind']>(
  object: ConfigObject | undefined,
  written: ConfigKind,
  kind: Kind,
): Extract<DecodedConfig, { kind: Kind }> | undefined {
  if (object?.kind !== written) return undefined;
  const decoded = decodeConfig(object);
  return decoded.kind === 'valid' && isOf(decoded.value, kind) ? decoded.value : undefined;
}

function valueOrStandIn<Kind extends DecodedConfig['kind']>(
  object: ConfigObject | undefined,
  written: ConfigKind,
  kind: Kind,
): Extract<DecodedConfig, { kind: Kind }> | undefined {
  if (object?.kind !== written) return undefined;
  const decoded = decodeConfig(object);
  const value = decoded.kind === 'valid' ? decoded.value : decoded.standIn;
  return value !== undefined && isOf(value, kind) ? value : undefined;
}

function isOf<Kind extends DecodedConfig['kind']>(
  value: DecodedConfig,
  kind: Kind,
): value is Extract<DecodedConfig, { kind: Kind }> {
  return value.kind === kind;
}

/** undefined for an object of another kind, and for one that is not in force because it is wrong. */
export function virtualServiceIn(object: ConfigObject | undefined): DecodedVirtualService | undefined {
  return valueIn(object, 'networking.istio.io/VirtualService', 'virtual-service');
}

export function destinationRuleIn(object: ConfigObject | undefined): DecodedDestinationRule | undefined {
  return valueIn(object, 'networking.istio.io/DestinationRule', 'destination-rule');
}

export function serviceEntryIn(object: ConfigObject | undefined): DecodedServiceEntry | undefined {
  return valueIn(object, 'networking.istio.io/ServiceEntry', 'service-entry');
}

export function workloadEntryIn(object: ConfigObject | undefined): DecodedWorkloadEntry | undefined {
  return valueIn(object, 'networking.istio.io/WorkloadEntry', 'workload-entry');
}

/** A policy for workloads; in place of one that is wrong, what stands in for it. */
export function authorizationPolicyIn(object: ConfigObject | undefined): DecodedAuthorizationPolicy | undefined {
  const value = valueOrStandIn(object, 'security.istio.io/AuthorizationPolicy', 'authorization-policy');
  return value?.isForSidecars === true ? value : undefined;
}

/** As `authorizationPolicyIn`. */
export function requestAuthenticationIn(object: ConfigObject | undefined): DecodedRequestAuthentication | undefined {
  const value = valueOrStandIn(object, 'security.istio.io/RequestAuthentication', 'request-authentication');
  return value?.isForSidecars === true ? value : undefined;
}

export function peerAuthenticationIn(object: ConfigObject | undefined): DecodedPeerAuthentication | undefined {
  return valueOrStandIn(object, 'security.istio.io/PeerAuthentication', 'peer-authentication');
}

export function meshConfigIn(object: ConfigObject | undefined): DecodedMeshConfig | undefined {
  return valueIn(object, 'mesh.istio.io/MeshConfig', 'mesh-config');
}

export function readVirtualService(read: Read, key: ConfigKey): DecodedVirtualService | undefined {
  return virtualServiceIn(read(configs, key));
}

export function readDestinationRule(read: Read, key: ConfigKey): DecodedDestinationRule | undefined {
  return destinationRuleIn(read(configs, key));
}

export function readServiceEntry(read: Read, key: ConfigKey): DecodedServiceEntry | undefined {
  return serviceEntryIn(read(configs, key));
}

export function readWorkloadEntry(read: Read, key: ConfigKey): DecodedWorkloadEntry | undefined {
  return workloadEntryIn(read(configs, key));
}

export function readPeerAuthentication(read: Read, key: ConfigKey): DecodedPeerAuthentication | undefined {
  return peerAuthenticationIn(read(configs, key));
}

export function readAuthorizationPolicy(read: Read, key: ConfigKey): DecodedAuthorizationPolicy | undefined {
  return authorizationPolicyIn(read(configs, key));
}

export function readRequestAuthentication(read: Read, key: ConfigKey): DecodedRequestAuthentication | undefined {
  return requestAuthenticationIn(read(configs, key));
}
