import { ApiError, type ApiClient, type ApiRequest } from '../api/api-client.ts';
import { isObject, metadataOf, resourceVersionOf } from './events.ts';
import type { ApiResource, RawObject } from './reflected.ts';
import type { Slices } from './slices.ts';

const pageSize = 500;

/** Which version of a set is wanted. */
export type SetFrom =
  /** Whatever the server has at hand; a list comes in one piece. */
  | { readonly kind: 'cached' }
  /** What is true now; a list comes in pages. */
  | { readonly kind: 'newest' }
  /** Nothing older than that; a list comes in one piece, since pages of a version would be read from etcd (K12). */
  | { readonly kind: 'not-older'; readonly resourceVersion: string };

/** What a list can give besides. */
export type ListFrom = SetFrom | { readonly kind: 'exact'; readonly resourceVersion: string };

export interface ListOptions {
  readonly client: ApiClient;
  readonly resource: ApiResource;
  /** Path and selectors. */
  readonly request: ApiRequest;
  readonly from: ListFrom;
  readonly take: (object: RawObject) => void;
  readonly slices: Slices;
}

/**
 * Reads a complete set, page by page where it comes in pages, and gives its objects one by one. What is thrown makes all that was taken
 * worthless (K37).
 *
 * @returns the version of the set
 * @throws ApiError; `malformed` for an answer that is no list
 */
export async function list(options: ListOptions, signal: AbortSignal): Promise<string> {
  const { client, request, from } = options;
  let query = firstQuery(from);
  for (;;) {
    const { body } = await client.request({ ...request, query: { ...request.query, ...query } }, signal);
    const page = readPage(body, request.path);
    await takeAll(page.items, options);
    signal.throwIfAborted();
    if (page.continue === '') return page.resourceVersion;
    query = { limit: String(pageSize), continue: page.continue };
  }
}

function firstQuery(from: ListFrom): Readonly<Record<string, string>> {
  const limit = String(pageSize);
  switch (from.kind) {
    case 'cached':
      return { resourceVersion: '0' };
    case 'newest':
      return { limit };
    case 'not-older':
      return { resourceVersion: from.resourceVersion, resourceVersionMatch: 'NotOlderThan' };
    case 'exact':
      return { limit, resourceVersion: from.resourceVersion, resourceVersionMatch: 'Exact' };
  }
}

async function takeAll(items: readonly unknown[], { resource, request, take, slices }: ListOptions): Promise<void> {
  const { group, version, kind } = resource;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  for (const item of items) {
    if (!isObject(item)) throw notAList(request.path);
    // The items of a list do not say what they are, unlike the objects of a watch.
    take({ ...item, apiVersion, kind });
    const wait = slices.pace();
    if (wait !== undefined) await wait;
  }
}

function readPage(body: unknown, path: string) {
  if (!isObject(body) || !('items' in body)) throw notAList(path);
  const resourceVersion = resourceVersionOf(body);
  // A server in Go writes an empty list as null.
  const items = body['items'] ?? [];
  const { continue: next } = metadataOf(body);
  if (resourceVersion === undefined || !Array.isArray(items)) throw notAList(path);
  return { resourceVersion, items: items as readonly unknown[], continue: typeof next === 'string' ? next : '' };
}

function notAList(path: string): ApiError {
  return new ApiError('malformed', `list of ${path}: the answer is no list`);
}
