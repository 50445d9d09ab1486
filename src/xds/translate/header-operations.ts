import type { HeaderManipulation, HeaderOperations } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';

/** The fields that a route and a weighted cluster have in common. */
export interface HeaderFields {
  readonly requestHeadersToAdd: readonly envoy.HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly envoy.HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

const nothing: HeaderOperations = { set: [], add: [], remove: [] };

/** Headers to set, add and remove, sorted by name (policy A3, A4). The host is rewritten by other means (policy A9). */
export function headerFields(headers: HeaderManipulation | undefined): HeaderFields {
  const { request, response } = headers ?? { request: nothing, response: nothing };
  return {
    requestHeadersToAdd: valuesToAdd(request),
    requestHeadersToRemove: namesToRemove(request),
    responseHeadersToAdd: valuesToAdd(response),
    responseHeadersToRemove: namesToRemove(response),
  };
}

/**
 * What a destination asks for and then what its rule asks for: Envoy applies the route's after the weighted cluster's.
 */
export function joinHeaderFields(first: HeaderFields, second: HeaderFields): HeaderFields {
  return {
    requestHeadersToAdd: [...first.requestHeadersToAdd, ...second.requestHeadersToAdd],
    requestHeadersToRemove: [...first.requestHeadersToRemove, ...second.requestHeadersToRemove],
    responseHeadersToAdd: [...first.responseHeadersToAdd, ...second.responseHeadersToAdd],
    responseHeadersToRemove: [...first.responseHeadersToRemove, ...second.responseHeadersToRemove],
  };
}

/** The host that the header operations ask for: set before added (policy A9). */
export function hostFromHeaders(headers: HeaderManipulation | undefined): string | undefined {
  const find = (pairs: readonly (readonly [string, string])[]): string | undefined =>
    pairs.find(([name]) => isHost(name))?.[1];
  return headers === undefined ? undefined : (find(headers.request.set) ?? find(headers.request.add));
}

function valuesToAdd(operations: HeaderOperations): envoy.HeaderValueOption[] {
  const added = operations.add.filter(isPlain).map(([key, value]) => option(key, value, 'APPEND_IF_EXISTS_OR_ADD'));
  const set = operations.set.filter(isPlain).map(([key, value]) => option(key, value, 'OVERWRITE_IF_EXISTS_OR_ADD'));
  return [...added.toSorted(byKey), ...set.toSorted(byKey)];
}

function option(
  key: string,
  value: string,
  appendAction: envoy.HeaderValueOption['appendAction'],
): envoy.HeaderValueOption {
  return { header: { key, value }, appendAction, keepEmptyValue: value === '' };
}

function namesToRemove(operations: HeaderOperations): string[] {
  return operations.remove.filter((name) => !name.startsWith(':') && !isHost(name)).toSorted();
}

function isPlain([name]: readonly [string, string]): boolean {
  return !name.startsWith(':') && !isHost(name);
}

function isHost(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === 'host' || lower === ':authority';
}

function byKey(a: envoy.HeaderValueOption, b: envoy.HeaderValueOption): number {
  const [first, second] = [a.header?.key ?? '', b.header?.key ?? ''];
  return first < second ? -1 : first > second ? 1 : 0;
}
