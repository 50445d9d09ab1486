import { schemaOf, type Schema } from './schema.ts';
import { isJson, type Json } from './stored-object.ts';

/**
 * Fields of an object as server-side apply counts them: a path of `f:name` and `k:{key}` steps to every value that is written as a whole.
 * A list is such a value, unless its items have keys; an item with a key has the path `…,.` of its own.
 */
export type FieldPath = string;

const separator = '\u0000';

export function stepsOf(path: FieldPath): readonly string[] {
  return path.split(separator);
}

/** Whether it is the path of an item of a list, and not of a value. */
export function isItem(path: FieldPath): boolean {
  return path.endsWith(`${separator}.`);
}

export function isWithin(path: FieldPath, place: FieldPath): boolean {
  return path.startsWith(`${place}${separator}`);
}

/** For people: `.spec.conditions[type="Ready"].status`. */
export function readable(path: FieldPath): string {
  return stepsOf(path)
    .filter((step) => step !== '.')
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`;
      const keys = Object.entries(JSON.parse(step.slice(2)) as Json);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

/** Every field with its value. */
export function fieldsOf(value: Json, schema?: Schema): ReadonlyMap<FieldPath, unknown> {
  const found = new Map<FieldPath, unknown>();
  const visit = (value: unknown, steps: readonly string[], field: string, schema: Schema | undefined): void => {
    const keys = Array.isArray(value) ? listKeys(field, schema) : undefined;
    if (isJson(value) && Object.keys(value).length > 0) {
      for (const [name, content] of Object.entries(value)) {
        if (content !== undefined) visit(content, [...steps, `f:${name}`], name, schemaOf(schema, name));
      }
    } else if (keys !== undefined && Array.isArray(value)) {
      for (const item of value as readonly Json[]) {
        const step = `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, item[key]])))}`;
        found.set([...steps, step, '.'].join(separator), undefined);
        visit(item, [...steps, step], '', schema?.items);
      }
    } else if (steps.length > 0) found.set(steps.join(separator), value);
  };
  visit(value, [], '', schema);
  return found;
}

/** Lists of built-in kinds whose items have keys; all others are taken as one value. */
const keysOfBuiltIn: Readonly<Record<string, readonly string[]>> = {
  conditions: ['type'],
  containers: ['name'],
  ownerReferences: ['uid'],
  webhooks: ['name'],
};

function listKeys(field: string, schema: Schema | undefined): readonly string[] | undefined {
  if (schema !== undefined)
    return schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
  return keysOfBuiltIn[field];
}

export function fieldsV1(paths: Iterable<FieldPath>): Json {
  const root: Record<string, unknown> = {};
  for (const path of paths) {
    let place = root;
    for (const step of stepsOf(path)) {
      place[step] ??= {};
      place = place[step] as Record<string, unknown>;
    }
  }
  return root;
}

export function fromFieldsV1(fields: Json): Set<FieldPath> {
  const found = new Set<FieldPath>();
  const visit = (fields: Json, steps: readonly string[]): void => {
    const entries = Object.entries(fields);
    if (entries.length === 0 && steps.length > 0) found.add(steps.join(separator));
    for (const [step, below] of entries) visit(below as Json, [...steps, step]);
  };
  visit(fields, []);
  return found;
}

/** The value with one field written; undefined takes the field away. */
export function withField(value: unknown, steps: readonly string[], content: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return content;
  if (step.startsWith('k:')) return withItem(Array.isArray(value) ? value : [], step, rest, content);
  const name = step.slice(2);
  const object = isJson(value) ? value : {};
  const changed = withField(object[name], rest, content);
  if (changed !== undefined) return { ...object, [name]: changed };
  const { [name]: _, ...others } = object;
  return rest.length > 0 && object[name] === undefined ? object : others;
}

function withItem(list: readonly unknown[], step: string, rest: readonly string[], content: unknown): unknown {
  const key = JSON.parse(step.slice(2)) as Json;
  const index = list.findIndex(
    (item) => isJson(item) && Object.entries(key).every(([name, value]) => item[name] === value),
  );
  const item = index < 0 ? key : list[index];
  if (rest[0] === '.') {
    if (content === undefined) return list.filter((_, place) => place !== index);
    return index < 0 ? [...list, key] : list;
  }
  const changed = withField(item, rest, content);
  return index < 0 ? [...list, changed] : list.with(index, changed);
}

export function fieldAt(value: unknown, steps: readonly string[]): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || step === '.') return value;
  if (!step.startsWith('k:')) return isJson(value) ? fieldAt(value[step.slice(2)], rest) : undefined;
  const key = Object.entries(JSON.parse(step.slice(2)) as Json);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const item = items.find((each) => isJson(each) && key.every(([name, content]) => each[name] === content));
  return fieldAt(item, rest);
}
