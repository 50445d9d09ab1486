import { describeError } from '../../../observe/log.ts';
import { ApiError } from '../api/api-client.ts';
import { refusal } from '../api/status.ts';
import type { RawObject } from './reflected.ts';

/** What a line of a watch says. */
export type WatchEvent =
  | { readonly kind: 'put' | 'remove'; readonly object: RawObject; readonly resourceVersion: string }
  /** Nothing of ours has changed up to that version. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string; readonly endsInitialEvents: boolean }
  | { readonly kind: 'error'; readonly error: ApiError };

const initialEventsEnd = 'k8s.io/initial-events-end';

/**
 * @param what is watched, for messages
 * @throws ApiError `malformed` for a line that is no event: what it meant is unknown, so it must not be skipped (K22)
 */
export function readEvent(line: Buffer, what: string): WatchEvent {
  const event = parse(line, what);
  const { type, object } = event;
  if (!isObject(object)) throw malformed(what, 'an event without an object', line);
  if (type === 'ERROR') return { kind: 'error', error: refusal(what, object) };
  const resourceVersion = resourceVersionOf(object);
  if (resourceVersion === undefined) throw malformed(what, 'an object without metadata.resourceVersion', line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'put', object, resourceVersion };
    case 'DELETED':
      return { kind: 'remove', object, resourceVersion };
    case 'BOOKMARK':
      return { kind: 'bookmark', resourceVersion, endsInitialEvents: endsInitialEvents(object) };
    default:
      throw malformed(what, `an event of the unknown type ${String(type)}`, line);
  }
}

/** `namespace/name`, or the name of an object that has no namespace. */
export function keyOf(object: RawObject): string {
  const { namespace, name } = metadataOf(object);
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${String(name)}` : String(name);
}

/** Of an object or a list. */
export function resourceVersionOf(object: RawObject): string | undefined {
  const { resourceVersion } = metadataOf(object);
  return typeof resourceVersion === 'string' && resourceVersion !== '' ? resourceVersion : undefined;
}

/** Empty where there is none. */
export function metadataOf(object: RawObject): Readonly<Record<string, unknown>> {
  const { metadata } = object;
  return isObject(metadata) ? metadata : {};
}

export function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function endsInitialEvents(object: RawObject): boolean {
  const { annotations } = metadataOf(object);
  return isObject(annotations) && annotations[initialEventsEnd] === 'true';
}

function parse(line: Buffer, what: string): RawObject {
  try {
    const event: unknown = JSON.parse(line.toString('utf8'));
    if (isObject(event)) return event;
  } catch (error) {
    throw malformed(what, describeError(error), line);
  }
  throw malformed(what, 'no event', line);
}

function malformed(what: string, why: string, line: Buffer): ApiError {
  return new ApiError('malformed', `${what}: ${why} in a line of ${line.length} bytes`);
}
