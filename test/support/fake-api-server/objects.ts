import { isDeepStrictEqual } from 'node:util';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { admittedObject } from './admission.ts';
import { applied, updated, type Writer } from './managed-fields.ts';
import { merged } from './patch.ts';
import { badRequest, conflict, invalid, notFound, Refusal } from './refusal.ts';
import { apiVersionOf, namespaces, pods, presented, type ServedResource } from './resources.ts';
import type { Store } from './store.ts';
import { isJson, objectKey, within, type Json, type StoredMetadata, type StoredObject } from './stored-object.ts';

/** A request that writes. */
export interface Write {
  readonly resource: ServedResource;
  readonly version: string;
  readonly namespace: string | undefined;
  /** undefined when something is made whose name is in the body. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  readonly userAgent: string;
  readonly body: unknown;
}

/** What may be done to objects, with the rules of the real server: versions, generations, finalizers, subresources, owners of fields. */
export class Objects {
  readonly #store: Store;
  readonly #clock: TimedClock;
  #made = 0;

  constructor(store: Store, clock: TimedClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws Refusal */
  read(resource: ServedResource, namespace: string | undefined, name: string): StoredObject {
    const found = this.#store.read(resource, objectKey(namespace, name));
    if (found === undefined) throw notFound(resource.id, name);
    return found;
  }

  /** @throws Refusal */
  create(write: Write): StoredObject {
    const { resource, version, namespace } = write;
    const body = bodyOf(write);
    const { generateName, name = this.#nameFrom(generateName), resourceVersion } = within(body, 'metadata');
    if (typeof name !== 'string') throw named(resource);
    if (resourceVersion !== undefined && resourceVersion !== '') {
      throw badRequest('resourceVersion should not be set on objects to be created');
    }
    this.#checkNamespace(namespace);
    if (this.#store.read(resource, objectKey(namespace, name)) !== undefined) {
      throw new Refusal(409, 'AlreadyExists', `${resource.id} "${name}" already exists`, { name, kind: resource.id });
    }
    const { status, ...rest } = body;
    const object = admittedObject(resource, version, resource.statusApart ? rest : body, name);
    const made = this.#firstMetadata(resource, namespace, name, within(object, 'metadata'));
    return this.#keep(write, updated(undefined, { ...object, metadata: made }, this.#writer(write)));
  }

  /** @throws Refusal */
  update(write: Write): StoredObject {
    const current = this.#current(write);
    const body = bodyOf(write);
    const { name, resourceVersion, uid } = within(body, 'metadata');
    if (name !== undefined && name !== write.name) {
      throw badRequest('the name of the object does not match the name on the URL');
    }
    if (!write.resource.unconditional && (resourceVersion ?? '') === '') {
      const message = 'Invalid value: 0: must be specified for an update';
      throw invalid(write.resource.kind, write.name ?? '', [
        { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message },
      ]);
    }
    checkPreconditions(write.resource, current, { resourceVersion, uid });
    const next = this.#successor(write, current, body);
    return this.#keep(write, updated(current, next, this.#writer(write)), current);
  }

  /** @throws Refusal */
  patch(write: Write, contentType: string): StoredObject {
    if (contentType === 'application/apply-patch+yaml') return this.#apply(write);
    if (contentType !== 'application/merge-patch+json') {
      throw new Refusal(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format: ${contentType}`,
      );
    }
    const current = this.#current(write);
    const { resourceVersion, uid } = within(write.body as Json, 'metadata');
    checkPreconditions(write.resource, current, { resourceVersion, uid });
    const next = this.#successor(write, current, merged(current, write.body) as Json);
    return this.#keep(write, updated(current, next, this.#writer(write)), current);
  }

  /** @throws Refusal */
  remove(write: Write): StoredObject {
    const { resource } = write;
    const current = this.#current(write);
    const options = isJson(write.body) ? write.body : {};
    checkPreconditions(resource, current, within(options, 'preconditions'));
    const { finalizers = [], deletionTimestamp, generation } = current.metadata;
    const grace = Number(options['gracePeriodSeconds'] ?? write.query.get('gracePeriodSeconds') ?? 30);
    // Somebody else (its node, what is in it) has to be done with it first.
    const awaited =
      resource === namespaces ||
      (resource === pods && within(current, 'spec')['nodeName'] !== undefined && grace !== 0);
    if (finalizers.length === 0 && !awaited) {
      if (!dry(write)) this.#store.remove(resource, current);
      return current;
    }
    if (deletionTimestamp !== undefined) return current;
    const metadata: StoredMetadata = {
      ...current.metadata,
      deletionTimestamp: this.#time(),
      deletionGracePeriodSeconds: resource === pods ? 30 : 0,
      ...(generation === undefined ? {} : { generation: generation + 1 }),
    };
    const status = resource === namespaces ? { status: { phase: 'Terminating' } } : {};
    return dry(write) ? current : this.#store.put(resource, { ...current, ...status, metadata });
  }

  /** Server-side apply: what does not exist yet is made. */
  #apply(write: Write): StoredObject {
    const { resource, version, namespace, name = '', subresource, query } = write;
    const body = bodyOf(write);
    const { managedFields, resourceVersion, uid } = within(body, 'metadata');
    if (managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    if (!query.has('fieldManager')) {
      const message = 'Required value: is required for apply patch';
      throw invalid('PatchOptions.meta.k8s.io', '', [{ reason: 'FieldValueRequired', field: 'fieldManager', message }]);
    }
    const { status, ...rest } = body;
    const wanted: Json = subresource === 'status' ? { status } : resource.statusApart ? rest : body;
    const current = this.#store.read(resource, objectKey(namespace, name));
    if (current === undefined) {
      if (subresource !== undefined) throw notFound(resource.id, name);
      this.#checkNamespace(namespace);
      const bare = { metadata: this.#firstMetadata(resource, namespace, name, {}) };
      const made = applied(bare, wanted, this.#writer(write), true);
      const object = admittedObject(resource, version, made, name);
      return this.#keep(write, { ...object, metadata: made.metadata });
    }
    checkPreconditions(resource, current, { resourceVersion, uid });
    const next = applied(current, wanted, this.#writer(write), query.get('force') === 'true');
    const { managedFields: owners } = next.metadata;
    const successor = this.#successor(write, current, next);
    const metadata = { ...successor.metadata, managedFields: owners ?? [] };
    return this.#keep(write, { ...successor, metadata }, current);
  }

  /** What of a proposal this door lets through, with the metadata that only the server writes. */
  #successor({ resource, version, subresource }: Write, current: StoredObject, proposal: Json): StoredObject {
    const { apiVersion: _, kind: _kind, ...proposed } = proposal;
    const admittedProposal = admittedObject(resource, version, proposed, current.metadata.name);
    if (subresource === 'status') return { ...current, status: admittedProposal['status'] };
    const { status: _status, ...withoutStatus } = admittedProposal;
    const content: Json =
      resource.statusApart && current['status'] !== undefined
        ? { ...withoutStatus, status: current['status'] }
        : resource.statusApart
          ? withoutStatus
          : admittedProposal;
    const { metadata: was, status: _was, ...before } = current;
    const { metadata: _metadata, status: _is, ...after } = content;
    const changed = resource.counted && !isDeepStrictEqual(before, after);
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, managedFields } = was;
    const metadata: StoredMetadata = {
      ...within(content, 'metadata'),
      name: was.name,
      ...(was.namespace === undefined ? {} : { namespace: was.namespace }),
      uid,
      resourceVersion: was.resourceVersion,
      creationTimestamp,
      ...(generation === undefined ? {} : { generation: changed ? generation + 1 : generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
      managedFields: managedFields ?? [],
    };
    return { ...content, metadata };
  }

  #keep(write: Write, object: StoredObject, previous?: StoredObject): StoredObject {
    const { resource } = write;
    if (dry(write)) return object;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const last = (previous?.metadata.finalizers ?? []).length > 0 && finalizers.length === 0;
    if (deletionTimestamp === undefined || !last || resource === namespaces) return this.#store.put(resource, object);
    this.#store.remove(resource, object);
    return object;
  }

  #current({ resource, namespace, name = '' }: Write): StoredObject {
    return this.read(resource, namespace, name);
  }

  #firstMetadata(resource: ServedResource, namespace: string | undefined, name: string, given: Json): StoredMetadata {
    this.#made += 1;
    return {
      ...given,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: `00000000-0000-4000-8000-${String(this.#made).padStart(12, '0')}`,
      resourceVersion: '',
      creationTimestamp: this.#time(),
      ...(resource.counted ? { generation: 1 } : {}),
    };
  }

  #checkNamespace(namespace: string | undefined): void {
    if (namespace === undefined) return;
    const found = this.read(namespaces, undefined, namespace);
    if (found.metadata.deletionTimestamp === undefined) return;
    const message = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw new Refusal(403, 'Forbidden', message, { causes: [{ reason: 'NamespaceTerminating', message }] });
  }

  #writer({ resource, version, subresource, query, userAgent }: Write): Writer {
    return {
      manager: query.get('fieldManager') ?? userAgent.split('/')[0] ?? 'unknown',
      apiVersion: apiVersionOf(resource, version),
      subresource,
      time: this.#time(),
      schema: resource.schemas?.[version],
    };
  }

  #nameFrom(generateName: unknown): string | undefined {
    return typeof generateName === 'string'
      ? `${generateName}${(this.#made + 1).toString(36).padStart(5, '0')}`
      : undefined;
  }

  /** RFC 3339, whole seconds. */
  #time(): string {
    return `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
  }
}

function bodyOf({ resource, version, namespace, body }: Write): Json {
  if (!isJson(body)) throw badRequest('the object provided is unrecognized (must be of type Object)');
  const expected = presented(resource, version, { metadata: {} } as StoredObject);
  for (const field of ['apiVersion', 'kind']) {
    if (body[field] !== undefined && body[field] !== expected[field]) {
      throw badRequest(
        `the ${field} in the data (${JSON.stringify(body[field])}) does not match the expected (${JSON.stringify(expected[field])})`,
      );
    }
  }
  const { namespace: said } = within(body, 'metadata');
  if (said !== undefined && said !== '' && said !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const { apiVersion: _, kind: _kind, ...content } = body;
  return content;
}

function checkPreconditions(resource: ServedResource, { metadata }: StoredObject, wanted: Json): void {
  const { uid, resourceVersion } = wanted;
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${JSON.stringify(uid)}, UID in object meta: ${metadata.uid}`;
    throw conflict(resource.id, metadata.name, why);
  }
  if ((resourceVersion ?? '') !== '' && resourceVersion !== metadata.resourceVersion) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(resource.id, metadata.name, why);
  }
}

function named(resource: ServedResource): Refusal {
  const message = 'Required value: name or generateName is required';
  return invalid(resource.kind, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message }]);
}

function dry({ query }: Write): boolean {
  return query.get('dryRun') === 'All';
}
