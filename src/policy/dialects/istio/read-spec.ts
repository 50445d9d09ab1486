import { z } from 'zod';
import { describe, fieldPath, pathOf, quote } from './field-path.ts';
import { nearestName } from '../../../model/nearest-name.ts';
import { plainData } from './plain-data.ts';
import type { Reading } from './reading.ts';
import { duration } from './schemas/fields.ts';

type Issue = z.core.$ZodIssue;

/** An object with more mistakes of form is of another kind, or hostile; nobody reads on. */
const mostIssues = 100;

/**
 * Reads the spec of an object by its schema. What does not fit is reported and left out, so that the decoder finds what else is
 * wrong with the rest.
 *
 * @param unknownFields what a field that the API does not have is: MeshConfig changes with every release of Istio, and a
 *   setting that Weir has never heard of must not keep the others from being in force
 * @returns undefined when nothing of the spec can be used
 */
export function readSpec<Schema extends z.ZodType>(
  schema: Schema,
  reading: Reading,
  unknownFields: 'error' | 'warning',
): z.infer<Schema> | undefined {
  const spec = plainData(reading);
  if (spec === undefined) return undefined;
  const read = schema.safeParse(spec);
  if (read.success) return read.data;
  const { issues } = read.error;
  for (const issue of issues.slice(0, mostIssues)) report(issue, { schema, spec, reading, unknownFields });
  if (issues.length > mostIssues) {
    reading.error(
      'WEIR1008',
      'spec',
      `the spec has ${issues.length} mistakes of form`,
      'check that it is of this kind',
    );
    return undefined;
  }
  reading.silence(issues.flatMap((issue) => explainedBy(issue, schema, spec)));
  return schema.safeParse(withoutIssues(spec, issues)).data;
}

interface Context {
  readonly schema: z.ZodType;
  readonly spec: unknown;
  readonly reading: Reading;
  readonly unknownFields: 'error' | 'warning';
}

/** Paths at which nothing more needs to be said; a field for which an unknown one was meant is not missed either. */
function explainedBy(issue: Issue, schema: z.ZodType, spec: unknown): readonly string[] {
  const path = pathOf('spec', issue.path);
  if (issue.code !== 'unrecognized_keys') return [path];
  const known = fieldsOf(schemaAt(schema, issue.path));
  const meant = issue.keys
    .slice(0, mostIssues)
    .map((key) => nearestName(key, known))
    .filter((name) => name !== undefined && valueAt(spec, [...issue.path, name]) === undefined);
  return [...issue.keys.slice(0, mostIssues), ...meant].map((key) => fieldPath(path, key ?? ''));
}

function report(issue: Issue, context: Context): void {
  const path = pathOf('spec', issue.path);
  const found = valueAt(context.spec, issue.path);
  const { reading } = context;
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys.slice(0, mostIssues)) reportUnknown(key, issue.path, context);
      return;
    case 'invalid_type':
      reportType(issue.expected, path, found, context, schemaAt(context.schema, issue.path) === duration);
      return;
    case 'invalid_value': {
      const words = issue.values.join(', ');
      const near = nearestWord(found, issue);
      const advice = near === undefined ? `use one of ${words}` : `did you mean ${near}?`;
      reading.error('WEIR1003', path, `${describe(found)} is not one of ${words}`, advice);
      return;
    }
    case 'too_small':
      reading.error('WEIR1004', path, `${describe(found)} is below ${issue.minimum}`, `use ${issue.minimum} or more`);
      return;
    case 'too_big':
      reading.error('WEIR1004', path, `${describe(found)} is above ${issue.maximum}`, `use ${issue.maximum} or less`);
      return;
    default:
      reading.error('WEIR1002', path, `${describe(found)} does not belong here`, 'see the documentation of the field');
  }
}

function reportUnknown(key: string, parent: readonly PropertyKey[], context: Context): void {
  const path = fieldPath(pathOf('spec', parent), key);
  const known = fieldsOf(schemaAt(context.schema, parent));
  const near = nearestName(key, known);
  const message = `the field ${quote(key)} does not exist here`;
  const advice =
    near === undefined ? (placeOf(key, parent, context.schema) ?? listed(known)) : `did you mean ${quote(near)}?`;
  if (context.unknownFields === 'error') context.reading.error('WEIR1001', path, message, advice);
  else context.reading.warn('WEIR1001', path, message, advice);
}

/** A field in the wrong place is usually one of an object further out: wrong indentation. */
function placeOf(key: string, parent: readonly PropertyKey[], schema: z.ZodType): string | undefined {
  for (let length = parent.length - 1; length >= 0; length -= 1) {
    const outer = parent.slice(0, length);
    if (fieldsOf(schemaAt(schema, outer)).includes(key))
      return `it belongs to ${pathOf('spec', outer)}: check the indentation`;
  }
  return undefined;
}

function listed(known: readonly string[]): string {
  return known.length === 0 ? 'remove it' : `the fields here are ${known.join(', ')}`;
}

function reportType(expected: string, path: string, found: unknown, context: Context, isDuration: boolean): void {
  const { reading } = context;
  if (isDuration) {
    const example = typeof found === 'number' ? `${found}s` : '5s';
    reading.error(
      'WEIR1012',
      path,
      `a duration is expected, not ${describe(found)}`,
      `write a number with a unit, for example ${example}`,
    );
    return;
  }
  const message = `${expectedNames[expected] ?? expected} is expected, not ${describe(found)}`;
  reading.error('WEIR1002', path, message, typeAdvice(expected, found));
}

const expectedNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function typeAdvice(expected: string, found: unknown): string {
  switch (expected) {
    case 'string':
      return typeof found === 'number' || typeof found === 'boolean' ? `put it in quotes: "${found}"` : 'write a text';
    case 'number':
    case 'int':
      return typeof found === 'string' && found !== '' && Number.isFinite(Number(found))
        ? 'write it without quotes'
        : `write ${expectedNames[expected]}`;
    case 'boolean':
      return 'write true or false, without quotes';
    case 'array':
      return 'begin each item with a dash';
    default:
      return Array.isArray(found)
        ? 'remove the dash: the field takes one mapping, not a list'
        : 'write fields below it, indented';
  }
}

/** The schema of the field at a path; undefined where the schema says nothing. */
function schemaAt(schema: z.core.SomeType, path: readonly PropertyKey[]): z.core.SomeType | undefined {
  let here: z.core.SomeType | undefined = inner(schema);
  for (const key of path) {
    if (here instanceof z.ZodObject) here = here.shape[String(key)];
    else if (here instanceof z.ZodArray) here = here.element;
    else if (here instanceof z.ZodRecord) here = here.valueType;
    else return undefined;
    if (here !== undefined) here = inner(here);
  }
  return here;
}

function inner(schema: z.core.SomeType): z.core.SomeType {
  return schema instanceof z.ZodOptional ? inner(schema.unwrap()) : schema;
}

function fieldsOf(schema: z.core.SomeType | undefined): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return here;
}

/**
 * A copy without the values that were refused, or with the word that was meant instead of a wrong one, so that what depends on
 * the word is not misjudged. List items leave a hole, so that the others keep their index.
 */
function withoutIssues(spec: unknown, issues: readonly Issue[]): unknown {
  const copy: unknown = structuredClone(spec);
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) replace(copy, [...issue.path, key], undefined);
    } else {
      const meant = issue.code === 'invalid_value' ? nearestWord(valueAt(spec, issue.path), issue) : undefined;
      replace(copy, issue.path, meant);
    }
  }
  return copy;
}

function nearestWord(found: unknown, issue: z.core.$ZodIssueInvalidValue): string | undefined {
  return nearestName(String(found), issue.values.map(String));
}

/** @param replacement undefined: the field is removed */
function replace(value: unknown, path: readonly PropertyKey[], replacement: unknown): void {
  const last = path.at(-1);
  const parent = valueAt(value, path.slice(0, -1));
  if (last === undefined || typeof parent !== 'object' || parent === null) return;
  const fields = parent as Record<PropertyKey, unknown>;
  if (replacement === undefined && !Array.isArray(parent)) delete fields[last];
  else fields[last] = replacement;
}
