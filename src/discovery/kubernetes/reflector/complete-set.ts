import type { Log } from '../../../observe/log.ts';
import { ApiError, type ApiClient, type ApiRequest } from '../api/api-client.ts';
import { keyOf } from './events.ts';
import { list, type ListFrom, type SetFrom } from './listing.ts';
import { mayListInstead } from './recovery.ts';
import type { ApiResource, RawObject, Reflected } from './reflected.ts';
import { Slices } from './slices.ts';
import type { Watch } from './watching.ts';

/** While the set is being sent there is no reason for silence. */
const silenceMs = 60_000;

/** Everything of a kind that the server has, at one version. */
export interface CompleteSet<Kept> {
  readonly objects: Map<string, Kept>;
  readonly resourceVersion: string;
  /** The watch that the set is the beginning of; whoever takes the set closes it. */
  readonly watch: Watch | undefined;
}

export interface SetSource<Kept extends Reflected> {
  readonly client: ApiClient;
  readonly resource: ApiResource;
  /** Path and selectors. */
  readonly request: ApiRequest;
  readonly openWatch: (query: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Watch>;
  /** What is kept of an object; undefined: nothing can be. */
  readonly keep: (object: RawObject) => Kept | undefined;
  /** A list comes in pages, although that costs the server more (K12). */
  readonly isLarge: boolean;
  readonly monotonic: () => number;
  readonly log: Log;
}

/**
 * Receives a complete set: as the beginning of a watch if the server can do that, as a list otherwise (K16).
 *
 * @throws ApiError, StallError, the signal's reason
 */
export async function receiveSet<Kept extends Reflected>(
  source: SetSource<Kept>,
  from: SetFrom,
  signal: AbortSignal,
): Promise<CompleteSet<Kept>> {
  try {
    return await watchSet(source, from, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!mayListInstead(error)) throw error;
    source.log.debug('the set is listed, since no watch brings it', { kind: source.resource.kind, error });
    return listSet(source, source.isLarge ? { kind: 'newest' } : from, signal);
  }
}

/** @throws ApiError, the signal's reason */
export async function listSet<Kept extends Reflected>(
  source: SetSource<Kept>,
  from: ListFrom,
  signal: AbortSignal,
): Promise<CompleteSet<Kept>> {
  const objects = new Map<string, Kept>();
  const take = (object: RawObject): void => collect(source, object, objects);
  const resourceVersion = await list({ ...source, from, take, slices: new Slices(source.monotonic) }, signal);
  return { objects, resourceVersion, watch: undefined };
}

async function watchSet<Kept extends Reflected>(
  source: SetSource<Kept>,
  from: SetFrom,
  signal: AbortSignal,
): Promise<CompleteSet<Kept>> {
  const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', ...versionOf(from) };
  const watch = await source.openWatch(query, signal);
  try {
    watch.allowSilence(silenceMs);
    const objects = new Map<string, Kept>();
    const resourceVersion = await readInitialEvents(watch, source, objects);
    return { objects, resourceVersion, watch };
  } catch (error) {
    await watch.close();
    throw error;
  }
}

/** The versions of the objects are in no order: only the one at the end counts (K17). */
async function readInitialEvents<Kept extends Reflected>(
  watch: Watch,
  source: SetSource<Kept>,
  objects: Map<string, Kept>,
): Promise<string> {
  const slices = new Slices(source.monotonic);
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
    switch (event.kind) {
      case 'put':
        collect(source, event.object, objects);
        break;
      case 'remove':
        objects.delete(keyOf(event.object));
        break;
      case 'bookmark':
        if (event.endsInitialEvents) return event.resourceVersion;
        break;
      case 'error':
        throw event.error;
    }
    const wait = slices.pace();
    if (wait !== undefined) await wait;
  }
  throw new ApiError('broken', `watch of ${source.request.path}: ended before the set was complete`);
}

function collect<Kept extends Reflected>(
  { keep }: SetSource<Kept>,
  object: RawObject,
  objects: Map<string, Kept>,
): void {
  const kept = keep(object);
  if (kept !== undefined) objects.set(kept.key, kept);
}

function versionOf(from: SetFrom): { readonly resourceVersion?: string } {
  switch (from.kind) {
    case 'cached':
      return { resourceVersion: '0' };
    case 'newest':
      return {};
    case 'not-older':
      return { resourceVersion: from.resourceVersion };
  }
}
