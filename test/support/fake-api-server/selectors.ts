import { badRequest } from './refusal.ts';
import type { ServedResource } from './resources.ts';
import type { Json, StoredObject } from './stored-object.ts';

export type Selects = (object: StoredObject) => boolean;

/** @throws Refusal for what is no selector, or for a field that this kind cannot be selected by */
export function selectorOf(resource: ServedResource, query: URLSearchParams, namespace: string | undefined): Selects {
  const conditions = [
    ...requirements(query.get('labelSelector')).map(labelCondition),
    ...requirements(query.get('fieldSelector')).map((text) => fieldCondition(resource, text)),
  ];
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    conditions.every((condition) => condition(object));
}

/** Separated by commas, save those within parentheses. */
function requirements(selector: string | null): readonly string[] {
  return (selector ?? '')
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelCondition(text: string): Selects {
  const label = (object: StoredObject, name: string): string | undefined => object.metadata.labels?.[name];
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, name = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (object) => values.includes(label(object, name) ?? '\0') === (operator === 'in');
  }
  const comparison = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(text);
  if (comparison !== null) {
    const [, name = '', operator, value = ''] = comparison;
    return (object) => (label(object, name) === value) === (operator !== '!=');
  }
  const presence = /^(!?)\s*([^\s=!()]+)$/.exec(text);
  if (presence === null) throw badRequest(`unable to parse requirement: ${text}`);
  const [, absent, name = ''] = presence;
  return (object) => (label(object, name) === undefined) === (absent === '!');
}

function fieldCondition(resource: ServedResource, text: string): Selects {
  const comparison = /^([^=!]+)(==|=|!=)(.*)$/.exec(text);
  if (comparison === null) throw badRequest(`invalid field selector: ${text}`);
  const [, path = '', operator, value = ''] = comparison;
  if (!['metadata.name', 'metadata.namespace', ...resource.selectable].includes(path)) {
    throw badRequest(`field label not supported: ${path}`);
  }
  return (object) => (textAt(object, path) === value) === (operator !== '!=');
}

/** A field that is absent reads as an empty text. */
function textAt(object: StoredObject, path: string): string {
  let found: unknown = object;
  for (const field of path.split('.')) found = (found as Json | undefined)?.[field];
  return typeof found === 'string' || typeof found === 'boolean' ? String(found) : '';
}
