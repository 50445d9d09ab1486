import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { definedResource, definitions, namespaces, type Resources } from './resources.ts';
import type { Store, StoreEvent } from './store.ts';
import { within, type StoredObject } from './stored-object.ts';

/** What the real server's own controllers do a moment later: empty a namespace that goes away, serve a kind that was defined. */
export function runControllers(
  store: Store,
  resources: Resources,
  clock: TimedClock,
  endWatches: (plural: string) => void,
): () => void {
  const react = ({ resource, object, previous }: StoreEvent): void => {
    if (resource === definitions) {
      if (object !== undefined) establish(store, resources, object, clock);
      else if (previous !== undefined) endWatches(removeDefined(store, resources, previous));
    }
    finishNamespaces(store, resources);
  };
  return store.listen((event) => setImmediate(react, event));
}

function establish(store: Store, resources: Resources, definition: StoredObject, clock: TimedClock): void {
  const current = store.read(definitions, definition.metadata.name);
  if (current === undefined || current.metadata.uid !== definition.metadata.uid) return;
  const { names, versions } = current['spec'] as {
    readonly names: object;
    readonly versions: { readonly name: string }[];
  };
  const lastTransitionTime = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
  const met = (type: string, reason: string) => ({ type, status: 'True', reason, message: '', lastTransitionTime });
  const known = within(current, 'status')['conditions'];
  const status = {
    acceptedNames: names,
    storedVersions: versions.slice(0, 1).map(({ name }) => name),
    conditions: known ?? [met('NamesAccepted', 'NoConflicts'), met('Established', 'InitialNamesAccepted')],
  };
  resources.serve(definedResource(current));
  store.put(definitions, { ...current, status });
}

/** With their definition the objects go. Gives their plural. */
function removeDefined(store: Store, resources: Resources, definition: StoredObject): string {
  const resource = definedResource(definition);
  resources.remove(resource.id);
  for (const object of store.list(resource)) store.remove(resource, object);
  return resource.plural;
}

function finishNamespaces(store: Store, resources: Resources): void {
  for (const namespace of store.list(namespaces)) {
    if (namespace.metadata.deletionTimestamp === undefined) continue;
    let left = 0;
    for (const resource of resources.all()) {
      if (!resource.namespaced) continue;
      for (const object of store.list(resource)) {
        if (object.metadata.namespace !== namespace.metadata.name) continue;
        if (object.metadata.finalizers?.length) {
          left += 1;
          const { creationTimestamp } = object.metadata;
          const deletionTimestamp = object.metadata.deletionTimestamp ?? creationTimestamp;
          store.put(resource, { ...object, metadata: { ...object.metadata, deletionTimestamp } });
        } else store.remove(resource, object);
      }
    }
    if (left === 0) store.remove(namespaces, namespace);
  }
}
