import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../incremental/definitions.ts';
import { referenceToConfig, type ConfigKind } from '../model/config-object.ts';
import type { ConfigKey } from '../model/keys.ts';
import type { Finding } from '../model/provenance.ts';
import { configs, configsByKind } from '../model/tables.ts';
import { decodeConfig } from '../policy/dialects/istio/decode.ts';
import { findings } from '../policy/findings.ts';

const kinds: readonly ConfigKind[] = [
  'mesh.istio.io/MeshConfig',
  'networking.istio.io/DestinationRule',
  'networking.istio.io/ServiceEntry',
  'networking.istio.io/VirtualService',
  'networking.istio.io/WorkloadEntry',
  'security.istio.io/AuthorizationPolicy',
  'security.istio.io/PeerAuthentication',
  'security.istio.io/RequestAuthentication',
];

/**
 * What is wrong with an object by itself, whatever else there is: fields that are not acted on, faults without percentage; errors of those for
 * which something stands in.
 */
const warningsOf: Query<ConfigKey, readonly Finding[]> = {
  name: 'warningsOf',
  compute(read, key) {
    const object = read(configs, key);
    const decoded = object === undefined ? undefined : decodeConfig(object);
    if (object === undefined || decoded === undefined) return [];
    const violations = decoded.kind === 'valid' ? decoded.warnings : decoded.violations;
    return violations.map((violation) => ({ ...violation, object: referenceToConfig(object) }));
  },
  equal: isDeepStrictEqual,
};

/** Everything that people should hear of objects in force: of each by itself, then of what they mean together. */
export const allFindings: Query<'all', readonly Finding[]> = {
  name: 'allFindings',
  compute(read) {
    const warnings = kinds.flatMap((kind) => read(configsByKind, kind)).flatMap((key) => read(warningsOf, key));
    return [...warnings, ...read(findings, 'all')];
  },
  equal: isDeepStrictEqual,
};
