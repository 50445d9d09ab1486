import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../../incremental/definitions.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import { meshSettings } from '../../policy/mesh.ts';
import { trustDomains } from '../../policy/trust-domains.ts';

/** What of the mesh's settings clusters depend on. */
export interface ClusterSettings extends Pick<MeshSettings, 'connectTimeoutMs' | 'dnsRefreshRateMs' | 'autoMutualTls'> {
  /** The mesh's own, then those that count as the same. */
  readonly trustDomains: readonly string[];
}

/** The key is always `mesh`. */
export const clusterSettings: Query<'mesh', ClusterSettings> = {
  name: 'clusterSettings',
  compute(read) {
    const { connectTimeoutMs, dnsRefreshRateMs, autoMutualTls } = read(meshSettings, 'mesh');
    return { connectTimeoutMs, dnsRefreshRateMs, autoMutualTls, trustDomains: read(trustDomains, 'mesh') };
  },
  equal: isDeepStrictEqual,
};
