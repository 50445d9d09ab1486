import type { ConfigKind, ConfigObject } from '../../src/model/config-object.ts';
import type { Violation } from '../../src/model/provenance.ts';
import { decodeConfig } from '../../src/policy/dialects/istio/decode.ts';
import type { Decoded, DecodedConfig } from '../../src/policy/dialects/istio/decoded.ts';

/** Istio's objects with what a test does not care about filled in, and what is said of them. */

const kinds = {
  VirtualService: 'networking.istio.io/VirtualService',
  DestinationRule: 'networking.istio.io/DestinationRule',
  ServiceEntry: 'networking.istio.io/ServiceEntry',
  WorkloadEntry: 'networking.istio.io/WorkloadEntry',
  AuthorizationPolicy: 'security.istio.io/AuthorizationPolicy',
  PeerAuthentication: 'security.istio.io/PeerAuthentication',
  RequestAuthentication: 'security.istio.io/RequestAuthentication',
  MeshConfig: 'mesh.istio.io/MeshConfig',
} as const satisfies Readonly<Record<string, ConfigKind>>;

const valueKinds = {
  VirtualService: 'virtual-service',
  DestinationRule: 'destination-rule',
  ServiceEntry: 'service-entry',
  WorkloadEntry: 'workload-entry',
  AuthorizationPolicy: 'authorization-policy',
  PeerAuthentication: 'peer-authentication',
  RequestAuthentication: 'request-authentication',
  MeshConfig: 'mesh-config',
} as const satisfies Readonly<Record<keyof typeof kinds, DecodedConfig['kind']>>;

export type IstioKind = keyof typeof kinds;

/** In the namespace `shop`. */
export function anIstioObject(kind: IstioKind, spec: unknown, changes: Partial<ConfigObject> = {}): ConfigObject {
  return {
    kind: kinds[kind],
    namespace: 'shop',
    name: 'x',
    labels: {},
    annotations: {},
    generation: 1,
    createdAt: 0,
    spec,
    origin: { source: 'files' },
    ...changes,
  };
}

/** The value of an object that has to be valid; warnings do not matter. */
export function valueOf<Kind extends IstioKind>(
  kind: Kind,
  spec: unknown,
): Extract<DecodedConfig, { kind: (typeof valueKinds)[Kind] }> {
  const decoded = decodeConfig(anIstioObject(kind, spec));
  if (decoded.kind === 'invalid') throw new Error(JSON.stringify(decoded.violations, undefined, 2));
  return decoded.value as Extract<DecodedConfig, { kind: (typeof valueKinds)[Kind] }>;
}

export function violationsIn(decoded: Decoded): readonly Violation[] {
  return decoded.kind === 'valid' ? decoded.warnings : decoded.violations;
}

/** Everything said of an object, as `severity code path`. */
export function problemsOf(kind: IstioKind, spec: unknown): readonly string[] {
  return violationsIn(decodeConfig(anIstioObject(kind, spec))).map(
    ({ severity, code, path }) => `${severity} ${code} ${path}`,
  );
}
