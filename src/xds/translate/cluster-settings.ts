import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../../incremental/definitions.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import { meshSettings } from '../../policy/mesh.ts';

/** What of the mesh's settings clusters depend on. */
export type ClusterSettings = Pick<
  MeshSettings,
  'connectTimeoutMs' | 'dnsRefreshRateMs' | 'autoMutualTls' | 'trustDomain'
>;

/** The key is always `mesh`. */
export const clusterSettings: Query<'mesh', ClusterSettings> = {
  name: 'clusterSettings',
  compute(read) {
    const { connectTimeoutMs, dnsRefreshRateMs, autoMutualTls, trustDomain } = read(meshSettings, 'mesh');
    return { connectTimeoutMs, dnsRefreshRateMs, autoMutualTls, trustDomain };
  },
  equal: isDeepStrictEqual,
};
