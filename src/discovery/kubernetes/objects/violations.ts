import type { z } from 'zod';
import type { Violation } from '../../../model/provenance.ts';
import type { ViolationCodeName } from '../../../model/violation-codes.ts';

/** From zod's issues to violations: what was expected, what stands there, and what to do. */

/** The reading of one object: its value, or everything that is wrong with it. */
export type Reading<Value> =
  | { readonly kind: 'valid'; readonly value: Value }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

/**
 * Reads a value by a schema. Fields that the schema does not name are ignored, since Kubernetes' objects have many.
 *
 * @param path of the value in its object, for example `metadata`; empty for the object itself
 */
export function readBy<Schema extends z.ZodType>(schema: Schema, value: unknown, path = ''): Reading<z.output<Schema>> {
  const result = schema.safeParse(value, { error: explain });
  if (result.success) return { kind: 'valid', value: result.data };
  return { kind: 'invalid', violations: result.error.issues.map((issue) => violationOf(issue, path)) };
}

/** Joins a path and what follows it: `metadata.labels`, `ports[0].name`, `metadata.labels["app.kubernetes.io/name"]`. */
function joinPath(path: string, parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((joined, part) => {
    if (typeof part === 'number') return `${joined}[${part}]`;
    const key = String(part);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `${joined}[${JSON.stringify(key)}]`;
    return joined === '' ? key : `${joined}.${key}`;
  }, path);
}

/** A violation that makes the object invalid. */
export function errorAt(code: ViolationCodeName, path: string, message: string, advice: string): Violation {
  return { severity: 'error', code, path, message, advice };
}

/** For `error` of a schema: zod carries a single text, so this one holds all three. */
export function says(code: ViolationCodeName, message: string, advice: string): string {
  return `${code}\n${message}\n${advice}`;
}

/** A value for a sentence: `the number 8`, `the text "x"`, `a list`. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return value.length > 80 ? 'a long text' : `the text ${JSON.stringify(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a mapping';
}

function violationOf(issue: z.core.$ZodIssue, path: string): Violation {
  // A key of a mapping that is wrong has its text inside.
  const text = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message;
  const [code = '', message = '', advice = ''] = (text ?? issue.message).split('\n', 3);
  return { severity: 'error', code, path: joinPath(path, issue.path), message, advice };
}

/** The text of an issue whose schema does not bring its own. */
function explain(issue: z.core.$ZodRawIssue): string {
  const { input } = issue;
  if (issue.code === 'invalid_type') return explainType(String(issue.expected), input);
  if (issue.code === 'invalid_value' && Array.isArray(issue.values)) {
    const words = issue.values.map(String).join(', ');
    return says('WEIR1003', `${describeValue(input)} is not one of ${words}`, `use one of ${words}`);
  }
  return says('WEIR1002', `${describeValue(input)} does not belong here`, 'see the documentation of the field');
}

function explainType(expected: string, found: unknown): string {
  const noun = nouns.get(expected) ?? expected;
  if (found === undefined || found === null) return says('WEIR1005', 'the field is missing', `add it: ${noun}`);
  return says('WEIR1002', `${noun} is expected, not ${describeValue(found)}`, typeAdvice(expected, found));
}

const nouns: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'a mapping'],
  ['record', 'a mapping'],
]);

function typeAdvice(expected: string, found: unknown): string {
  if (expected === 'array') return 'write each item on a line that begins with a dash';
  if (expected === 'object' || expected === 'record') return 'write `name: value` lines';
  if (typeof found === 'object') return 'write a single value';
  if (expected === 'string') return `put it in quotes: ${JSON.stringify(JSON.stringify(found))}`;
  return typeof found === 'string' ? 'write it without quotes' : 'correct the value';
}
