import type * as envoy from './envoy.ts';
import type { Wire } from './observer.ts';

/** What a client says that it understands beyond what all do (xds-protocol X14). */
export interface ClientFeatures {
  /** The wires on which it takes resources that are good for a limited time. */
  readonly expiry: Readonly<Record<Wire, boolean>>;
}

/** The specification of the protocol and Envoy's list of features spell it in two ways. */
const wrapperFeatures = ['xds.config.resource-in-sotw', 'xds.config.supports-resource-in-sotw'];
const expiryFeature = 'xds.config.supports-resource-ttl';

/** An absent feature is one that the client does not have, but for Envoy, which announces none and has both since 1.17 (X316). */
export function featuresOf(node: envoy.Node): ClientFeatures {
  const announced = new Set(node.clientFeatures);
  const known = isEnvoySince(node, 1, 17);
  const expires = known || announced.has(expiryFeature);
  const wrapped = known || wrapperFeatures.some((feature) => announced.has(feature));
  return { expiry: { delta: expires, sotw: expires && wrapped } };
}

function isEnvoySince({ userAgentName, userAgentBuildVersion }: envoy.Node, major: number, minor: number): boolean {
  const { majorNumber = 0, minorNumber = 0 } = userAgentBuildVersion?.version ?? {};
  return userAgentName === 'envoy' && (majorNumber > major || (majorNumber === major && minorNumber >= minor));
}
