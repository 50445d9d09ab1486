import { isMap, isScalar, isSeq, parseAllDocuments, type Document, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import { injectPod } from '../inject/injection.ts';
import { podSchema } from '../inject/pod.ts';
import type { InjectionOptions } from '../inject/sidecar-form.ts';

/** Sidecars in the pods of a manifest; what is not a pod, and comments, stay. */

export interface ManifestOptions {
  /** Of objects that name none. */
  readonly namespace: string;
  readonly options: InjectionOptions;
}

export interface InjectedManifest {
  readonly text: string;
  /** What got no sidecar, and what authors should know. */
  readonly remarks: readonly string[];
  /** What cannot be injected or read; the text is of no use then. */
  readonly problems: readonly string[];
}

/** Where objects of a kind have their pod. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

export function injectManifest(text: string, manifest: ManifestOptions): InjectedManifest {
  const documents = parseAllDocuments(text);
  const said: Said = { remarks: [], problems: [] };
  if (!Array.isArray(documents)) return { text, ...said };
  let [written, at] = ['', 0];
  for (const document of documents) {
    said.problems.push(...document.errors.map(({ message }) => message));
    const { contents } = document;
    const [start, , end] = contents?.range ?? [];
    if (document.errors.length > 0 || start === undefined || end === undefined) continue;
    // Where nothing changes the text stays as it was written.
    const changed = injectObject(document, contents, manifest, said) ? textOf(document) : text.slice(start, end);
    written += text.slice(at, start) + changed;
    at = end;
  }
  return { text: written + text.slice(at), ...said };
}

/** Without the comments before it, which stand in front of it already. */
function textOf(document: Document.Parsed): string {
  document.commentBefore = null;
  document.comment = null;
  if (document.contents !== null) document.contents.commentBefore = null;
  document.directives.docStart = null;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

interface Said {
  readonly remarks: string[];
  readonly problems: string[];
}

/** @returns whether anything has changed */
function injectObject(document: Document.Parsed, object: Node | null, manifest: ManifestOptions, said: Said): boolean {
  if (!isMap(object)) return false;
  const kind = textAt(object, ['kind']) ?? '';
  const items = object.get('items');
  if (kind.endsWith('List') && isSeq(items)) {
    return items.items.map((item) => injectObject(document, item as Node, manifest, said)).includes(true);
  }
  const path = podPaths[kind];
  const pod = path === undefined ? undefined : path.length === 0 ? object : object.getIn(path);
  if (!isMap(pod)) return false;
  const named = `${kind} ${textAt(object, ['metadata', 'name']) ?? ''}`;
  const read = podSchema.safeParse(pod.toJS(document));
  if (!read.success) {
    said.problems.push(...read.error.issues.map(({ path: at, message }) => `${named}: ${at.join('.')}: ${message}`));
    return false;
  }
  const namespace = textAt(object, ['metadata', 'namespace']) ?? manifest.namespace;
  const result = injectPod(read.data, namespace, manifest.options);
  switch (result.kind) {
    case 'skipped':
      said.remarks.push(`${named} gets no sidecar: ${result.reason}`);
      return false;
    case 'invalid':
      said.problems.push(...result.problems.map((problem) => `${named}: ${problem}`));
      return false;
    case 'injected':
      said.remarks.push(...result.warnings.map((warning) => `${named}: ${warning}`));
      writeMap(document, pod, read.data, result.pod);
      return true;
  }
}

function textAt(map: YAMLMap, path: readonly string[]): string | undefined {
  const value: unknown = map.getIn(path);
  return typeof value === 'string' ? value : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Writes what has changed, and leaves the nodes of everything else as they are, with their comments and their form. */
function writeMap(document: Document, map: YAMLMap, before: Fields, after: Fields): void {
  for (const [name, value] of Object.entries(after)) {
    const old = before[name];
    if (value === old) continue;
    const node: unknown = map.get(name, true);
    if (isMap(node) && isFields(old) && isFields(value)) writeMap(document, node, old, value);
    else if (isSeq(node) && Array.isArray(old) && Array.isArray(value)) writeList(document, node, old, value);
    else map.set(name, document.createNode(value));
  }
  for (const name of Object.keys(before)) if (!(name in after)) map.delete(name);
}

/** Of things with names: those that were there keep their nodes. */
function writeList(document: Document, list: YAMLSeq, before: readonly unknown[], after: readonly unknown[]): void {
  const nodes = list.items;
  list.items = after.map((item) => {
    const index = before.findIndex(
      (each) => each === item || (isFields(each) && isFields(item) && each['name'] === item['name']),
    );
    const [node, old] = [nodes[index], before[index]];
    if (index < 0 || node === undefined) return document.createNode(item);
    if (old !== item && isMap(node) && isFields(old) && isFields(item)) writeMap(document, node, old, item);
    return node;
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isScalar(value);
}
