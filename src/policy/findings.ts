import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import type { ConfigKind, ConfigObject } from '../model/config-object.ts';
import type { ConfigKey, ServiceKey } from '../model/keys.ts';
import type { Finding } from '../model/provenance.ts';
import { allServices, configs, configsByKind } from '../model/tables.ts';
import { authenticationFindings, authorizationFindings } from './authorization-findings.ts';
import {
  authorizationPolicyIn,
  requestAuthenticationIn,
  meshConfigIn,
  serviceEntryIn,
  destinationRuleIn,
  virtualServiceIn,
  peerAuthenticationIn,
} from './decoded-objects.ts';
import { peerAuthenticationFindings } from './mutual-tls-findings.ts';
import { routeConflicts } from './route-conflicts.ts';
import { routeTargets } from './route-targets.ts';
import { ruleFindings } from './rule-findings.ts';
import { entryFindings, meshConfigFindings, serviceFindings } from './service-findings.ts';

/**
 * What is wrong between objects: each is right by itself, but together they cannot mean what their authors meant. What is wrong
 * with an object alone its decoding says. Nothing here changes what is in force (policy P441: the order of apply is free).
 */

/** Findings about one configuration object, in the order of its fields. */
export const findingsOf: Query<ConfigKey, readonly Finding[]> = {
  name: 'findingsOf',
  compute(read, key) {
    const object = read(configs, key);
    return object === undefined ? [] : findingsAbout(read, key, object);
  },
  equal: isDeepStrictEqual,
};

/**
 * Findings about an object that need not be in force: what is in force otherwise is what it is judged beside.
 *
 * @param key of the object
 */
export function findingsAbout(read: Read, key: ConfigKey, object: ConfigObject): readonly Finding[] {
  switch (object.kind) {
    case 'networking.istio.io/VirtualService': {
      const value = virtualServiceIn(object);
      return value === undefined ? [] : [...routeConflicts(read, key, value), ...routeTargets(read, value)];
    }
    case 'networking.istio.io/DestinationRule': {
      const value = destinationRuleIn(object);
      return value === undefined ? [] : ruleFindings(read, key, value);
    }
    case 'networking.istio.io/ServiceEntry': {
      const value = serviceEntryIn(object);
      return value === undefined ? [] : entryFindings(read, value);
    }
    case 'mesh.istio.io/MeshConfig': {
      const value = meshConfigIn(object);
      return value === undefined ? [] : meshConfigFindings(read, value);
    }
    case 'security.istio.io/AuthorizationPolicy': {
      const value = authorizationPolicyIn(object);
      return value === undefined ? [] : authorizationFindings(read, value);
    }
    case 'security.istio.io/RequestAuthentication': {
      const value = requestAuthenticationIn(object);
      return value === undefined ? [] : authenticationFindings(read, value);
    }
    case 'security.istio.io/PeerAuthentication': {
      const value = peerAuthenticationIn(object);
      return value === undefined ? [] : peerAuthenticationFindings(read, key, value);
    }
    case 'networking.istio.io/WorkloadEntry':
      return [];
  }
}

/** Findings about one service of a registry. */
const findingsOfService: Query<ServiceKey, readonly Finding[]> = {
  name: 'findingsOfService',
  compute: serviceFindings,
  equal: isDeepStrictEqual,
};

/** All of them, by kind, namespace and name of their objects. The key is always `all`. */
export const findings: Query<'all', readonly Finding[]> = {
  name: 'findings',
  compute(read) {
    const objects = checkedKinds.flatMap((kind) => read(configsByKind, kind));
    return [
      ...read(allServices, 'all').flatMap((key) => read(findingsOfService, key)),
      ...objects.flatMap((key) => read(findingsOf, key)),
    ];
  },
  equal: isDeepStrictEqual,
};

const checkedKinds: readonly ConfigKind[] = [
  'networking.istio.io/ServiceEntry',
  'networking.istio.io/VirtualService',
  'networking.istio.io/DestinationRule',
  'security.istio.io/AuthorizationPolicy',
  'security.istio.io/PeerAuthentication',
  'security.istio.io/RequestAuthentication',
  'mesh.istio.io/MeshConfig',
];
