import type { HeaderManipulation, HeaderOperations } from '../../../model/routing.ts';
import { fieldPath, quote } from './field-path.ts';
import { checkHeaderValue } from './header-values.ts';
import type { Reading } from './reading.ts';
import type { HeaderOperationsSpec, HeadersSpec } from './schemas/virtual-service.ts';
import { itemsOf } from './values.ts';

/** Names of headers and operations on headers (policy A3, A4, A9). */

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const longestName = 256;
/** What a proxy takes in one list. */
const mostOperations = 1000;

/** Reports a text that is not the name of a header. */
export function checkHeaderName(name: string, path: string, reading: Reading): boolean {
  if (name.length <= longestName && token.test(name)) return true;
  const message = name === '' ? 'the header name is empty' : `${quote(name)} is not a header name`;
  reading.error('WEIR1015', path, message, 'use letters, digits and dashes');
  return false;
}

/** Whether a name stands for the authority of a request, which is not an ordinary header. */
function isAuthority(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === ':authority' || lower === 'host';
}

/** @returns undefined when nothing is to be done */
export function decodeHeaders(
  spec: HeadersSpec | undefined,
  path: string,
  reading: Reading,
): HeaderManipulation | undefined {
  if (spec === undefined) return undefined;
  const request = decodeOperations(spec.request, `${path}.request`, reading, true);
  const response = decodeOperations(spec.response, `${path}.response`, reading, false);
  return request === undefined && response === undefined
    ? undefined
    : { request: request ?? nothing, response: response ?? nothing };
}

const nothing: HeaderOperations = { set: [], add: [], remove: [] };

/** @param authority whether the authority may be set: not in responses (policy A9) */
function decodeOperations(
  spec: HeaderOperationsSpec | undefined,
  path: string,
  reading: Reading,
  authority: boolean,
): HeaderOperations | undefined {
  if (spec === undefined) return undefined;
  const set = decodePairs(spec.set, `${path}.set`, reading, authority);
  const add = decodePairs(spec.add, `${path}.add`, reading, authority);
  const remove = itemsOf(spec.remove, `${path}.remove`)
    .filter(({ item, at }) => checkOperation(item, at, reading, false))
    .map(({ item }) => item);
  if (set.length + add.length > mostOperations || remove.length > mostOperations) {
    reading.error('WEIR1008', path, `there are more than ${mostOperations} header operations`, 'remove some');
  }
  return set.length + add.length + remove.length === 0 ? undefined : { set, add, remove };
}

function decodePairs(
  headers: Readonly<Record<string, string>> | undefined,
  path: string,
  reading: Reading,
  authority: boolean,
): readonly (readonly [name: string, value: string])[] {
  if (headers === undefined) return [];
  const pairs: (readonly [string, string])[] = [];
  for (const name of Object.keys(headers).toSorted()) {
    const value = headers[name] ?? '';
    const at = fieldPath(path, name);
    checkHeaderValue(value, at, reading);
    if (checkOperation(name, at, reading, authority)) pairs.push([name, value]);
  }
  return pairs;
}

function checkOperation(name: string, path: string, reading: Reading, authority: boolean): boolean {
  if (isAuthority(name)) {
    if (authority) return true;
    reading.error('WEIR1017', path, `the header ${quote(name)} cannot be changed here`, 'remove the operation');
    return false;
  }
  if (name.startsWith(':')) {
    const advice = 'use rewrite for the path; method and scheme cannot be changed';
    reading.error('WEIR1017', path, `${quote(name)} is not a header that can be changed`, advice);
    return false;
  }
  return checkHeaderName(name, path, reading);
}

/** Reports an authority that is set more than once: by `rewrite`, by `set`, by `add` (policy P605). */
export function checkAuthority(
  rewritten: string | undefined,
  headers: HeaderManipulation | undefined,
  path: string,
  reading: Reading,
): void {
  const { set, add } = headers?.request ?? nothing;
  const operations = [...set, ...add].filter(([name]) => isAuthority(name)).length;
  if (operations + (rewritten === undefined ? 0 : 1) < 2) return;
  reading.error('WEIR1106', path, 'the authority is set more than once', 'set it in rewrite.authority alone');
}
