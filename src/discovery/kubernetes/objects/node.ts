import { nodeKey } from '../../../model/keys.ts';
import type { Node } from '../../../model/workload.ts';
import type { Conversion, ConversionContext, KubernetesObject } from './conversion.ts';

/** A Node as the place where its pods run. */
export function convertNode({ metadata }: KubernetesObject, context: ConversionContext): Conversion<Node> {
  const { labels, name } = metadata;
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '';
  const subZone = labels['topology.istio.io/subzone'] ?? '';
  return { kind: 'valid', value: [{ key: nodeKey(context.source, name), name, locality: { region, zone, subZone } }] };
}
