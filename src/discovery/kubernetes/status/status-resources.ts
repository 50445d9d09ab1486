import type { ConfigKey } from '../../../model/keys.ts';
import { configKey, partsOfConfigKey } from '../../../model/keys.ts';
import { ApiError, type ApiClient, type ApiRequest } from '../api/api-client.ts';
import { apiPath, type PathResource } from '../api/api-path.ts';
import type { FollowedKind } from '../followed-kinds.ts';
import { isMapping } from '../objects/object-rows.ts';
import { readStatus, type WrittenStatus } from './written-status.ts';

/** Under which name Weir owns what it writes. */
const fieldManager = 'weir';
/** Objects of one answer. */
const pageSize = 500;

/** A kind as the server has it, and what stands on its objects. */
export interface StatusResource extends PathResource {
  readonly kind: string;
  readonly written: ReadonlyMap<ConfigKey, WrittenStatus>;
}

/**
 * Lists the objects of a kind for what stands on them.
 *
 * @returns undefined: the server has no such kind, in no version that can be read
 * @throws ApiError
 */
export async function listStatuses(
  client: ApiClient,
  { name, kind, group, plural, versions }: FollowedKind,
  signal: AbortSignal,
): Promise<StatusResource | undefined> {
  for (const version of versions) {
    try {
      const written = await listPages(client, name, apiPath({ group, version, plural }), signal);
      return { group, version, plural, kind, written };
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
  return undefined;
}

async function listPages(
  client: ApiClient,
  kind: string,
  path: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<ConfigKey, WrittenStatus>> {
  const written = new Map<ConfigKey, WrittenStatus>();
  let next = '';
  do {
    const query = { limit: String(pageSize), ...(next === '' ? {} : { continue: next }) };
    const { body } = await client.request({ path, query }, signal);
    const { items, metadata } = isMapping(body) ? body : {};
    for (const item of Array.isArray(items) ? (items as readonly unknown[]) : []) {
      if (!isMapping(item) || !isMapping(item['metadata'])) continue;
      const { namespace, name } = item['metadata'];
      if (typeof namespace !== 'string' || typeof name !== 'string') continue;
      written.set(configKey(kind, namespace, name), readStatus(item['status']));
    }
    next = isMapping(metadata) && typeof metadata['continue'] === 'string' ? metadata['continue'] : '';
  } while (next !== '');
  return written;
}

/** Server-side apply of Weir's part of the status (kubernetes K105). */
export function statusRequest(resource: StatusResource, key: ConfigKey, status: WrittenStatus): ApiRequest {
  const { group, version, kind } = resource;
  const { namespace, name } = partsOfConfigKey(key);
  return {
    method: 'PATCH',
    path: apiPath(resource, { namespace, name, subresource: 'status' }),
    query: { fieldManager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: `${group}/${version}`, kind, metadata: { namespace, name }, status },
  };
}
