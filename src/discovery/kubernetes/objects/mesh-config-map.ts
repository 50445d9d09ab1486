import type { Violation } from '../../../model/provenance.ts';
import { readYamlDocument } from '../../yaml/document.ts';
import { readMetadata } from './metadata.ts';
import { configRow, isMapping, type Content, type ObjectContext, type ObjectRows } from './object-rows.ts';
import { describeValue, errorAt, type Reading } from './violations.ts';

/** Istio's users keep the mesh settings in a ConfigMap, as text under this key. */
const meshKey = 'mesh';
/** The field whose text stands for the `spec`. */
export const meshField = `data.${meshKey}`;
export const meshConfigKind = 'mesh.istio.io/MeshConfig';

/** What is wrong with the text itself. */
export interface EmbeddedViolation extends Violation {
  /** Lines of the text above it. */
  readonly lineInText?: number;
}

/** Whether a ConfigMap holds settings of the mesh. */
export function holdsMeshConfig({ data }: Content): boolean {
  return isMapping(data) && meshKey in data;
}

/** Reads the mesh settings out of a ConfigMap. The paths of violations speak of `spec`, as if the object were a MeshConfig. */
export function readMeshConfigMap(content: Content, context: ObjectContext): ObjectRows {
  const { identity, metadata, violations } = readMetadata(content, true);
  if (identity === undefined || metadata === undefined) {
    const outcome = { kind: 'invalid', violations } as const;
    return identity === undefined ? { identity, outcome } : { identity, outcome };
  }
  const { data } = content;
  const spec = readText(isMapping(data) ? data[meshKey] : undefined);
  return {
    identity,
    outcome: spec.kind === 'invalid' ? spec : configRow(meshConfigKind, metadata, spec.value, context),
  };
}

/** Path as the author of the ConfigMap sees it. */
export function pathInConfigMap(path: string): string {
  return path.replace(/^spec\b/, meshField);
}

function readText(text: unknown): Reading<unknown> {
  const invalid = (violation: Violation): Reading<unknown> => ({ kind: 'invalid', violations: [violation] });
  if (typeof text !== 'string') {
    const message = `text is expected, not ${describeValue(text)}`;
    return invalid(errorAt('WEIR1002', meshField, message, 'begin the settings with `mesh: |-` and indent them'));
  }
  const document = readYamlDocument(text);
  switch (document.kind) {
    case 'blank':
      return { kind: 'valid', value: {} };
    case 'broken': {
      const violation: EmbeddedViolation = {
        ...errorAt('WEIR2006', meshField, document.message, document.advice),
        lineInText: document.line,
      };
      return invalid(violation);
    }
    case 'value':
      return { kind: 'valid', value: document.value };
  }
}
