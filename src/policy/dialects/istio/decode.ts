import type { ConfigObject } from '../../../model/config-object.ts';
import type {
  Decoded,
  DecodedAuthorizationPolicy,
  DecodedDestinationRule,
  DecodedMeshConfig,
  DecodedPeerAuthentication,
  DecodedRequestAuthentication,
  DecodedServiceEntry,
  DecodedVirtualService,
  DecodedWorkloadEntry,
  Decoding,
} from './decoded.ts';
import { closedAuthorizationPolicy, decodeAuthorizationPolicySpec } from './authorization-policy.ts';
import { decodeDestinationRuleSpec } from './destination-rule.ts';
import { decodeMeshConfigSpec } from './mesh-config.ts';
import { closedPeerAuthentication, decodePeerAuthenticationSpec } from './peer-authentication.ts';
import { readSpec } from './read-spec.ts';
import { Reading } from './reading.ts';
import { closedRequestAuthentication, decodeRequestAuthenticationSpec } from './request-authentication.ts';
import { authorizationPolicySchema } from './schemas/authorization-policy.ts';
import { destinationRuleSchema } from './schemas/destination-rule.ts';
import { meshConfigSchema } from './schemas/mesh-config.ts';
import { peerAuthenticationSchema } from './schemas/peer-authentication.ts';
import { requestAuthenticationSchema } from './schemas/request-authentication.ts';
import { serviceEntrySchema } from './schemas/service-entry.ts';
import { virtualServiceSchema } from './schemas/virtual-service.ts';
import { workloadEntrySchema } from './schemas/workload-entry.ts';
import { decodeServiceEntrySpec } from './service-entry.ts';
import { decodeVirtualServiceSpec } from './virtual-service.ts';
import { decodeWorkloadEntrySpec } from './workload-entry.ts';

/**
 * From Istio's objects to values in mesh words. Pure: an object gives its value with warnings, or all that is wrong with it at
 * once, each with the path of the field; never a throw. An object is decoded once, however many ask.
 */

const defaultDomain = 'cluster.local';

export function decodeConfig(object: ConfigObject): Decoded {
  const { domain = defaultDomain } = object;
  switch (object.kind) {
    case 'networking.istio.io/VirtualService':
      return decodeVirtualService(object, domain);
    case 'networking.istio.io/DestinationRule':
      return decodeDestinationRule(object, domain);
    case 'networking.istio.io/ServiceEntry':
      return decodeServiceEntry(object, domain);
    case 'networking.istio.io/WorkloadEntry':
      return decodeWorkloadEntry(object, domain);
    case 'security.istio.io/AuthorizationPolicy':
      return decodeAuthorizationPolicy(object, domain);
    case 'security.istio.io/RequestAuthentication':
      return decodeRequestAuthentication(object, domain);
    case 'security.istio.io/PeerAuthentication':
      return decodePeerAuthentication(object, domain);
    case 'mesh.istio.io/MeshConfig':
      return decodeMeshConfig(object, domain);
  }
}

/** @param object of the kind VirtualService */
export const decodeVirtualService = decoder<DecodedVirtualService>((reading) => {
  const spec = readSpec(virtualServiceSchema, reading, 'error');
  return spec && { ...decodeVirtualServiceSpec(spec, reading), ...reading.author };
});

/** @param object of the kind DestinationRule */
const decodeDestinationRule = decoder<DecodedDestinationRule>((reading) => {
  const spec = readSpec(destinationRuleSchema, reading, 'error');
  return spec && { ...decodeDestinationRuleSpec(spec, reading), ...reading.author };
});

/** @param object of the kind ServiceEntry */
export const decodeServiceEntry = decoder<DecodedServiceEntry>((reading) => {
  const spec = readSpec(serviceEntrySchema, reading, 'error');
  return spec && { ...decodeServiceEntrySpec(spec, reading), ...reading.author };
});

/** @param object of the kind WorkloadEntry */
const decodeWorkloadEntry = decoder<DecodedWorkloadEntry>((reading) => {
  const spec = readSpec(workloadEntrySchema, reading, 'error');
  return spec && { ...decodeWorkloadEntrySpec(spec, reading), ...reading.author };
});

/** @param object of the kind AuthorizationPolicy */
const decodeAuthorizationPolicy = decoder<DecodedAuthorizationPolicy>(
  (reading) => {
    const spec = readSpec(authorizationPolicySchema, reading, 'error');
    return spec && { ...decodeAuthorizationPolicySpec(spec, reading), ...reading.author };
  },
  (parts, reading) => ({ ...closedAuthorizationPolicy(parts, reading), ...reading.author }),
);

/** @param object of the kind RequestAuthentication */
const decodeRequestAuthentication = decoder<DecodedRequestAuthentication>(
  (reading) => {
    const spec = readSpec(requestAuthenticationSchema, reading, 'error');
    return spec && { ...decodeRequestAuthenticationSpec(spec, reading), ...reading.author };
  },
  (parts, reading) => ({ ...closedRequestAuthentication(parts), ...reading.author }),
);

/** @param object of the kind PeerAuthentication */
const decodePeerAuthentication = decoder<DecodedPeerAuthentication>(
  (reading) => {
    const spec = readSpec(peerAuthenticationSchema, reading, 'error');
    return spec && { ...decodePeerAuthenticationSpec(spec, reading), ...reading.author };
  },
  (parts, reading) => ({ ...closedPeerAuthentication(parts), ...reading.author }),
);

/** @param object of the kind MeshConfig */
const decodeMeshConfig = decoder<DecodedMeshConfig>((reading) => {
  const spec = readSpec(meshConfigSchema, reading, 'warning');
  return spec && { ...decodeMeshConfigSpec(spec, reading), ...reading.author };
});

/**
 * Makes a decoder that remembers, per object and cluster domain. Rows are never changed, so that an object's identity stands for its content.
 *
 * @param standIn what is in force in place of an object that is wrong, by what of it could be read
 */
function decoder<Value>(
  decode: (reading: Reading) => Value | undefined,
  standIn?: (readable: Value | undefined, reading: Reading) => Value,
): (object: ConfigObject, domain?: string) => Decoding<Value> {
  const known = new WeakMap<ConfigObject, { readonly domain: string; readonly decoding: Decoding<Value> }>();
  return (object, domain = defaultDomain) => {
    const remembered = known.get(object);
    if (remembered?.domain === domain) return remembered.decoding;
    const reading = new Reading(object, domain);
    const value = decode(reading);
    const result = reading.result(value);
    const decoding =
      result.kind === 'invalid' && standIn !== undefined ? { ...result, standIn: standIn(value, reading) } : result;
    known.set(object, { domain, decoding });
    return decoding;
  };
}
