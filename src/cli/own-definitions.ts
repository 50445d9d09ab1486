import { stringify } from 'yaml';
import {
  customResourceDefinition,
  type CustomResourceDefinition,
} from '../policy/dialects/definitions/custom-resource.ts';
import { istioCustomResources } from '../policy/dialects/istio/custom-resources.ts';

/** The definitions of all kinds that Weir reads. */
export const ownDefinitions: readonly CustomResourceDefinition[] = istioCustomResources.map(customResourceDefinition);

/** As a document of YAML. The versions share one schema in memory; here all is written out, because not every tool follows anchors. */
export function definitionYaml(definition: CustomResourceDefinition): string {
  return stringify(definition, { aliasDuplicateObjects: false, lineWidth: 140 });
}
