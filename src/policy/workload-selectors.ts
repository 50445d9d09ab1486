import { isDeepStrictEqual } from 'node:util';
import type { Index, Query, Read } from '../incremental/definitions.ts';
import { compareText, type ConfigKind, type ConfigObject } from '../model/config-object.ts';
import { compositeKey, partsOfConfigKey, type ConfigKey } from '../model/keys.ts';
import { configs } from '../model/tables.ts';
import { inNamespace } from './config-indexes.ts';
import { authorizationPolicyIn, peerAuthenticationIn, requestAuthenticationIn } from './decoded-objects.ts';
import { equalLists } from './equality.ts';
import { indexedPair, labelPairs, selects, type Labels } from './label-match.ts';
import { rootNamespace } from './mesh.ts';

/**
 * Which objects are for a workload: those of its namespace and of the root namespace that name no labels, or labels that it carries (policy
 * G6, G7). And which of its labels they look at: all others are left out of inbound scopes, so that replicas, and workloads that no object
 * tells apart, share every resource.
 */

/** A kind of objects that are for workloads. Its line in `selectingKinds` is all that it takes. */
interface SelectingKind {
  /** Of an object in force: the labels that workloads must carry, undefined for all workloads; undefined for an object that is not in force. */
  readonly valueIn: (object: ConfigObject | undefined) => { readonly selector: Labels | undefined } | undefined;
  /** Whom labels in an object of the root namespace mean: workloads everywhere, or, where Istio ignores them, none. */
  readonly selectorInRoot: 'everywhere' | 'ignored';
}

const selectingKinds = {
  'security.istio.io/AuthorizationPolicy': { valueIn: authorizationPolicyIn, selectorInRoot: 'everywhere' },
  'security.istio.io/RequestAuthentication': { valueIn: requestAuthenticationIn, selectorInRoot: 'everywhere' },
  'security.istio.io/PeerAuthentication': { valueIn: peerAuthenticationIn, selectorInRoot: 'ignored' },
} as const satisfies Partial<Record<ConfigKind, SelectingKind>>;

export type SelectingKindName = keyof typeof selectingKinds;

function selectingKind(kind: string): SelectingKind | undefined {
  return isSelecting(kind) ? selectingKinds[kind] : undefined;
}

function isSelecting(kind: string): kind is SelectingKindName {
  return Object.hasOwn(selectingKinds, kind);
}

/** In place of a label pair: the object is for all workloads in its reach. */
const allWorkloads = '*';

function pairOf(selector: Labels | undefined): string | undefined {
  return selector === undefined ? allWorkloads : indexedPair(selector);
}

/** By `namespace label=value`, one pair of the selector, or `namespace *`. */
const objectsByPair: Index<string, ConfigKey, ConfigObject> = {
  name: 'workloadObjectsByPair',
  table: configs,
  valuesOf(row) {
    const value = selectingKind(row.kind)?.valueIn(row);
    if (value === undefined) return [];
    const pair = pairOf(value.selector);
    return pair === undefined ? [] : [inNamespace(row.namespace, pair)];
  },
};

/** Those that name labels, by namespace. */
const objectsWithSelector: Index<string, ConfigKey, ConfigObject> = {
  name: 'workloadObjectsWithSelector',
  table: configs,
  valuesOf: (row) => (selectingKind(row.kind)?.valueIn(row)?.selector === undefined ? [] : [row.namespace]),
};

/** Whether any object of a namespace names labels: where none does, nobody's labels need be looked at. */
const selectsByLabels: Query<string, boolean> = {
  name: 'selectsByLabels',
  compute: (read, namespace) => read(objectsWithSelector, namespace).length > 0,
};

/** What an object in force asks of workloads; an edit of what it says of them leaves this alone. */
const selectionOf: Query<ConfigKey, { readonly selector: Labels | undefined } | undefined> = {
  name: 'workloadSelectionOf',
  compute(read, key) {
    const value = selectingKind(partsOfConfigKey(key).kind)?.valueIn(read(configs, key));
    return value === undefined ? undefined : { selector: value.selector };
  },
  equal: isDeepStrictEqual,
};

/** The selectors that name a pair of labels, each once. The key is `namespace label=value`. */
const selectorsNaming: Query<string, readonly Labels[]> = {
  name: 'selectorsNaming',
  compute(read, key) {
    const root = read(rootNamespace, 'mesh');
    const selectors = new Map<string, Labels>();
    for (const object of read(objectsByPair, key)) {
      const selector = selectorInForce(read, object, root);
      if (selector !== undefined) selectors.set(labelPairs(selector).toSorted().join(','), selector);
    }
    return [...selectors].toSorted(([a], [b]) => compareText(a, b)).map(([, selector]) => selector);
  },
  equal: isDeepStrictEqual,
};

/** undefined: the object is for all workloads in its reach, or for none. */
function selectorInForce(read: Read, key: ConfigKey, root: string): Labels | undefined {
  const { kind, namespace } = partsOfConfigKey(key);
  const isIgnored = namespace === root && selectingKind(kind)?.selectorInRoot === 'ignored';
  return isIgnored ? undefined : read(selectionOf, key)?.selector;
}

/** Those labels of a workload by which objects select it. */
export function selectedWorkloadLabels(read: Read, namespace: string, labels: Labels): Labels {
  const kept: Record<string, string> = {};
  for (const owner of ownersFor(read, namespace)) {
    if (!read(selectsByLabels, owner)) continue;
    for (const pair of labelPairs(labels)) {
      for (const selector of read(selectorsNaming, inNamespace(owner, pair))) {
        if (selects(selector, labels)) Object.assign(kept, selector);
      }
    }
  }
  return kept;
}

/** Namespaces whose objects may be for workloads of a namespace. */
function ownersFor(read: Read, namespace: string): ReadonlySet<string> {
  return new Set([namespace, read(rootNamespace, 'mesh')]);
}

/**
 * The objects of a kind that are for a workload, in no particular order.
 *
 * @param labels of the workload, or those of them that its inbound scope keeps
 */
export function objectsForWorkload(
  read: Read,
  kind: SelectingKindName,
  namespace: string,
  labels: Labels,
): readonly ConfigKey[] {
  const root = read(rootNamespace, 'mesh');
  return [...ownersFor(read, namespace)].flatMap((owner) => [
    ...read(objectsNaming, compositeKey(kind, owner, allWorkloads)),
    ...(read(selectsByLabels, owner)
      ? labelPairs(labels)
          .flatMap((pair) => read(objectsNaming, compositeKey(kind, owner, pair)))
          .filter((key) => {
            const selector = selectorInForce(read, key, root);
            return selector !== undefined && selects(selector, labels);
          })
      : []),
  ]);
}

/** Objects of one kind, so that those of other kinds concern nobody who asks for these. The key is `kind namespace label=value`, or `kind namespace *`. */
const objectsNaming: Query<string, readonly ConfigKey[]> = {
  name: 'objectsNaming',
  compute(read, key) {
    const blank = key.indexOf(' ');
    const kind = key.slice(0, blank);
    return read(objectsByPair, key.slice(blank + 1)).filter((object) => partsOfConfigKey(object).kind === kind);
  },
  equal: equalLists,
};

/** The other objects of its kind and namespace whose selector is looked up in the same place: those of equal selectors are among them. */
export function samePlace(read: Read, key: ConfigKey): readonly ConfigKey[] {
  const { kind, namespace } = partsOfConfigKey(key);
  const selection = read(selectionOf, key);
  const pair = selection === undefined ? undefined : pairOf(selection.selector);
  if (pair === undefined) return [];
  return read(objectsNaming, compositeKey(kind, namespace, pair)).filter((other) => other !== key);
}
