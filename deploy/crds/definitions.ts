import { join } from 'node:path';
import { definitionYaml, ownDefinitions } from '../../src/cli/own-definitions.ts';

/** A file of this folder, as it has to be. */
export interface DefinitionFile {
  readonly path: string;
  readonly text: string;
}

const head = `# Made from the schemas of src/policy/dialects by \`npm run crds\`; do not edit.
# Not for a cluster in which Istio runs, which has its own; \`weir install crds\` looks first.
`;

/** One for each kind. */
export const definitionFiles: readonly DefinitionFile[] = ownDefinitions.map((definition) => ({
  path: join(import.meta.dirname, `${definition.metadata.name}.yaml`),
  text: head + definitionYaml(definition),
}));
