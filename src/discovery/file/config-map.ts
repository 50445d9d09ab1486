import { configKey } from '../../model/keys.ts';
import type { Violation } from '../../model/provenance.ts';
import { readMetadata } from '../kubernetes/objects/metadata.ts';
import { describeValue, errorAt, type Reading } from '../kubernetes/objects/violations.ts';
import { configRow, isMapping, type Identified, type ObjectContext } from './object-reading.ts';
import type { SourceRow } from './source-row.ts';
import { readYamlDocument } from './yaml/document.ts';

/** Where Istio's users keep the mesh settings: a ConfigMap of this name, with this key. */
const meshConfigMap = 'istio';
const meshKey = 'mesh';
const embedded = `data.${meshKey}`;
const kind = 'mesh.istio.io/MeshConfig';

/** What is wrong with the text itself. */
export interface EmbeddedViolation extends Violation {
  /** Lines of the text above it. */
  readonly lineInText?: number;
}

/**
 * Reads the mesh settings out of a ConfigMap.
 *
 * @returns undefined for every other ConfigMap
 */
export function readConfigMap(
  content: Readonly<Record<string, unknown>>,
  path: string,
  context: ObjectContext,
): Identified | undefined {
  const { data, metadata: raw } = content;
  if (!isMapping(raw) || raw['name'] !== meshConfigMap || !isMapping(data) || !(meshKey in data)) return undefined;
  const { identity, metadata, violations } = readMetadata(content, true);
  if (identity === undefined) return { violations };
  const id = configKey(kind, identity.namespace, identity.name);
  if (metadata === undefined) return { object: { id, path, embedded, outcome: { kind: 'invalid', violations } } };
  const spec = readText(data[meshKey]);
  if (spec.kind === 'invalid') return { object: { id, path, embedded, outcome: spec } };
  const outcome: Reading<readonly SourceRow[]> = configRow(kind, metadata, spec.value, context);
  return { object: { id, path, embedded, outcome } };
}

function readText(text: unknown): Reading<unknown> {
  const invalid = (violation: Violation): Reading<unknown> => ({ kind: 'invalid', violations: [violation] });
  if (typeof text !== 'string') {
    const message = `text is expected, not ${describeValue(text)}`;
    return invalid(errorAt('WEIR1002', embedded, message, 'begin the settings with `mesh: |-` and indent them'));
  }
  const document = readYamlDocument(text);
  switch (document.kind) {
    case 'blank':
      return { kind: 'valid', value: {} };
    case 'broken': {
      const violation: EmbeddedViolation = {
        ...errorAt('WEIR2006', embedded, document.message, document.advice),
        lineInText: document.line,
      };
      return invalid(violation);
    }
    case 'value':
      return { kind: 'valid', value: document.value };
  }
}
