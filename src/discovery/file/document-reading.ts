import type { Violation } from '../../model/provenance.ts';
import { configKey } from '../../model/keys.ts';
import { readMetadata } from '../kubernetes/objects/metadata.ts';
import { isMapping, type ObjectContext } from '../kubernetes/objects/object-rows.ts';
import { describeValue, errorAt } from '../kubernetes/objects/violations.ts';
import { readYamlDocument } from '../yaml/document.ts';
import { kindOfDocument, readableKinds, type KindOfDocument } from './kinds.ts';
import { readConfigMap, readObject, type Identified, type ObjectReading } from './object-reading.ts';

/** What a document says of nobody in particular: it cannot be told which object it was meant to be. */
export interface DocumentFault extends Violation {
  /** Where `path` begins: empty, or for example `items[3]`. */
  readonly at: string;
  /** Lines of the document above it, where YAML itself is broken; undefined: the path tells. */
  readonly line: number | undefined;
}

/** Everything that follows from the text of one document. */
export interface DocumentReading {
  readonly objects: readonly ObjectReading[];
  /** Not empty: any object may be hidden here. */
  readonly faults: readonly DocumentFault[];
  /** Kinds of objects that say nothing about the mesh. */
  readonly ignored: readonly string[];
}

interface Draft {
  readonly objects: ObjectReading[];
  readonly faults: DocumentFault[];
  readonly ignored: string[];
}

/** Shared by the documents that hold nothing but comments. */
const blankDocument: DocumentReading = { objects: [], faults: [], ignored: [] };

/** Reads the objects of a document: one, or those of a list. */
export function readDocument(text: string, context: ObjectContext): DocumentReading {
  const document = readYamlDocument(text);
  switch (document.kind) {
    case 'blank':
      return { ...blankDocument };
    case 'broken': {
      const violation = errorAt('WEIR2006', '', document.message, document.advice);
      return { ...blankDocument, faults: [{ ...violation, at: '', line: document.line }] };
    }
    case 'value': {
      const draft: Draft = { objects: [], faults: [], ignored: [] };
      readValue(document.value, '', context, draft);
      return draft;
    }
  }
}

function readValue(value: unknown, at: string, context: ObjectContext, draft: Draft): void {
  const fault = (violation: Violation): void => {
    draft.faults.push({ ...violation, at, line: undefined });
  };
  if (!isMapping(value)) {
    fault(errorAt('WEIR2007', '', `an object is expected, not ${describeValue(value)}`, objectAdvice));
    return;
  }
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    for (const field of ['apiVersion', 'kind']) {
      if (typeof value[field] === 'string') continue;
      fault(errorAt('WEIR2007', field, `${field} is not given as text, so that this is no object`, objectAdvice));
    }
    return;
  }
  if (kind.endsWith('List') && 'items' in value) {
    readList(value, kind, at, context, draft);
    return;
  }
  const found = kindOfDocument(apiVersion, kind);
  const identified = identify(found, value, at, context);
  if (identified === 'irrelevant') draft.ignored.push(kind);
  else if (identified === 'unknown') fault(unknownKind(found, apiVersion, kind));
  else if ('object' in identified) draft.objects.push(identified.object);
  else for (const violation of identified.violations) fault(violation);
}

const objectAdvice = 'write apiVersion, kind and metadata.name, or move the file out of the directory';

/** The items of a typed list (`ServiceList`) need not repeat what the list says. */
function readList(
  list: Readonly<Record<string, unknown>>,
  kind: string,
  at: string,
  context: ObjectContext,
  draft: Draft,
): void {
  const { items, apiVersion } = list;
  if (!Array.isArray(items)) {
    const message = `a list is expected, not ${describeValue(items)}`;
    const violation = errorAt('WEIR1002', 'items', message, 'write each object on lines that begin with a dash');
    draft.faults.push({ ...violation, at, line: undefined });
    return;
  }
  const inherited = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  const prefix = at === '' ? '' : `${at}.`;
  items.forEach((item: unknown, index) => {
    readValue(isMapping(item) ? { ...inherited, ...item } : item, `${prefix}items[${index}]`, context, draft);
  });
}

function identify(
  found: KindOfDocument,
  value: Readonly<Record<string, unknown>>,
  at: string,
  context: ObjectContext,
): Identified | 'irrelevant' | 'unknown' {
  switch (found.kind) {
    case 'read':
      return readObject(found.as, value, found.namespaced, at, context);
    case 'config-map':
      return readConfigMap(value, at, context) ?? 'irrelevant';
    case 'other-version':
      return otherVersion(found, value, at);
    case 'irrelevant':
    case 'unknown':
      return found.kind;
  }
}

/** It is known which object it is, so that this one alone keeps its last good version. */
function otherVersion(
  found: Extract<KindOfDocument, { kind: 'other-version' }>,
  value: Readonly<Record<string, unknown>>,
  path: string,
): Identified {
  const { identity, violations } = readMetadata(value, found.namespaced);
  const message = `${String(value['apiVersion'])} is not a version of ${String(value['kind'])} that can be read`;
  const version = errorAt('WEIR2009', 'apiVersion', message, `write ${found.versions.join(' or ')}`);
  if (identity === undefined) return { violations: [version, ...violations] };
  const id = configKey(found.as, identity.namespace, identity.name);
  const outcome = { kind: 'invalid' as const, violations: [version, ...violations] };
  return { object: { id, path, embedded: undefined, outcome } };
}

function unknownKind(found: KindOfDocument, apiVersion: string, kind: string): Violation {
  const nearest = found.kind === 'unknown' ? found.nearest : undefined;
  const path = nearest?.kind === kind ? 'apiVersion' : 'kind';
  const advice =
    nearest === undefined
      ? `kinds that are read: ${readableKinds.join(', ')}`
      : `did you mean ${nearest.kind} of ${nearest.apiVersion}?`;
  return errorAt('WEIR2008', path, `the kind ${kind} of ${apiVersion} is unknown`, advice);
}
