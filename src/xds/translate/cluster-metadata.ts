import type { Provenance } from '../../model/provenance.ts';
import type * as envoy from '../envoy.ts';
import { struct } from '../envoy.ts';
import { originMetadata } from './routes.ts';

/** A service as tools look for it in a cluster's metadata. */
export interface NamedService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/**
 * Where Istio's tools look for what a cluster is about: its services, its subset, and the object that shaped it
 * (istio-compat I139).
 */
export function clusterMetadata(
  service: NamedService,
  subset: string,
  provenance: readonly Provenance[],
): envoy.Metadata {
  const rule = provenance.find(({ kind }) => kind === 'networking.istio.io/DestinationRule');
  const origin = rule === undefined ? undefined : originMetadata(rule).filterMetadata?.['istio']?.fields;
  const own = struct({ services: [service], subset: subset === '' ? undefined : subset });
  return { filterMetadata: { istio: { fields: { ...origin, ...own.fields } } } };
}
