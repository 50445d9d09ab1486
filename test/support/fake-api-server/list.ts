import { badRequest, expired, invalid, tooLarge } from './refusal.ts';
import { apiVersionOf, presented, type ServedResource } from './resources.ts';
import type { Selects } from './selectors.ts';
import type { Store } from './store.ts';
import { keyOf, type Json, type StoredObject } from './stored-object.ts';

interface ListQuery {
  readonly resource: ServedResource;
  readonly version: string;
  readonly query: URLSearchParams;
  readonly selects: Selects;
}

interface Continue {
  readonly revision: number;
  /** Key of the last object of the page before. */
  readonly after: string;
}

/**
 * A list, or a page of one, with the rules of the real server for resourceVersion, resourceVersionMatch, limit and continue
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list).
 *
 * @throws Refusal
 */
export function listOf(store: Store, { resource, version, query, selects }: ListQuery): Json {
  const { revision, after, limit } = pageOf(store, query);
  const all = revision === store.revision ? store.list(resource) : store.listAt(resource, revision);
  const rest = all.filter((object) => selects(object) && (after === undefined || keyOf(object) > after));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const more: Json =
    items.length === rest.length || last === undefined
      ? {}
      : {
          continue: tokenOf({ revision, after: keyOf(last) }),
          // Counted only where it costs the real server nothing.
          ...(query.has('labelSelector') || query.has('fieldSelector')
            ? {}
            : { remainingItemCount: rest.length - items.length }),
        };
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource, version),
    metadata: { resourceVersion: String(revision), ...more },
    items: items.map((object) => itemOf(resource, version, object)),
  };
}

/** In lists of built-in kinds the items do not say what they are; those of custom kinds do. */
function itemOf(resource: ServedResource, version: string, object: StoredObject): Json {
  return resource.schemas === undefined ? object : presented(resource, version, object);
}

interface Page {
  readonly revision: number;
  readonly after?: string;
  readonly limit: number | undefined;
}

function pageOf(store: Store, query: URLSearchParams): Page {
  const asked = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const limit = Number(query.get('limit') ?? 0) || undefined;
  const token = query.get('continue') ?? '';
  checkMatch(asked, match, token);
  if (token !== '') return continued(store, token, asked, limit);
  // The watch cache answers, and it knows no pages.
  if (asked === '0') return { revision: store.revision, limit: undefined };
  if (asked === '') return { revision: store.revision, limit };
  const revision = revisionOf(asked);
  if (revision > store.revision) throw tooLarge(revision, store.revision);
  const exact = match === 'Exact' || (match === '' && limit !== undefined);
  if (!exact) return { revision: store.revision, limit };
  if (revision < store.forgotten) throw expired(`The resourceVersion for the provided list is too old.`);
  return { revision, limit };
}

function continued(store: Store, token: string, asked: string, limit: number | undefined): Page {
  if (asked !== '' && asked !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const from = parsed(token);
  if (from.revision < store.forgotten) {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    );
  }
  return { ...from, limit };
}

function checkMatch(asked: string, match: string, token: string): void {
  if (match === '') return;
  const forbid = (why: string): never => {
    const cause = { reason: 'FieldValueForbidden', field: 'resourceVersionMatch', message: `Forbidden: ${why}` };
    throw invalid('ListOptions.meta.k8s.io', '', [cause]);
  };
  if (token !== '') forbid('resourceVersionMatch is forbidden when continue is provided');
  if (asked === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (asked === '0' && match === 'Exact') forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}

/** @throws Refusal for what is no count */
export function revisionOf(text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function tokenOf(from: Continue): string {
  return Buffer.from(JSON.stringify(from)).toString('base64url');
}

function parsed(token: string): Continue {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Continue;
  } catch {
    throw badRequest('continue key is not valid');
  }
}
