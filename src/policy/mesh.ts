import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import { defaultMeshSettings, type MeshSettings } from '../model/mesh-settings.ts';
import { defaultOwnSettings, type RouteDelivery } from '../model/own-settings.ts';
import type { ObjectReference } from '../model/provenance.ts';
import { configs, configsByKind, ownSettings } from '../model/tables.ts';
import { meshConfigIn } from './decoded-objects.ts';
import type { DecodedMeshConfig } from './dialects/istio/decoded.ts';

/** The mesh-wide settings. Queries read the one field that they need, so that an edit re-runs only what depends on it (istio-compat I222). */

/** The object in force, the oldest when there are several (policy G4). The key is always `mesh`. */
const meshConfig: Query<'mesh', DecodedMeshConfig | undefined> = {
  name: 'meshConfig',
  compute(read) {
    const objects = read(configsByKind, 'mesh.istio.io/MeshConfig').map((key) => meshConfigIn(read(configs, key)));
    return objects.filter((object) => object !== undefined).toSorted(compareByAge)[0];
  },
};

/**
 * What holds in the mesh: the settings of its object over the defaults (policy E15). The trust domain is that of the certificates, which no
 * object can change under them. The key is always `mesh`.
 */
export const meshSettings: Query<'mesh', MeshSettings> = {
  name: 'meshSettings',
  compute(read) {
    const { trustDomain } = read(ownSettings, 'mesh') ?? defaultOwnSettings;
    return { ...defaultMeshSettings, ...read(meshConfig, 'mesh')?.settings, trustDomain };
  },
  equal: isDeepStrictEqual,
};

/** The object that the settings come from; undefined when they are the defaults. The key is always `mesh`. */
export const meshSettingsSource: Query<'mesh', ObjectReference | undefined> = {
  name: 'meshSettingsSource',
  compute: (read) => read(meshConfig, 'mesh')?.reference,
  equal: isDeepStrictEqual,
};

function setting<Name extends keyof MeshSettings>(field: Name): Query<'mesh', MeshSettings[Name]> {
  return {
    name: `meshSettings.${field}`,
    compute: (read) => read(meshSettings, 'mesh')[field],
    equal: isDeepStrictEqual,
  };
}

/** How routes are delivered to proxies that take either form. The key is always `mesh`. */
export const routeDelivery: Query<'mesh', RouteDelivery> = {
  name: 'ownSettings.routeDelivery',
  compute: (read) => (read(ownSettings, 'mesh') ?? defaultOwnSettings).routeDelivery,
};

export const rootNamespace = setting('rootNamespace');
export const outboundTraffic = setting('outboundTraffic');
export const defaultServiceExportTo = setting('defaultServiceExportTo');
export const defaultVirtualServiceExportTo = setting('defaultVirtualServiceExportTo');
export const defaultDestinationRuleExportTo = setting('defaultDestinationRuleExportTo');
export const defaultRetries = setting('defaultRetries');
export const defaultTrafficPolicy = setting('defaultTrafficPolicy');
export const defaultLocality = setting('locality');
export const authorizationProviders = setting('authorizationProviders');
