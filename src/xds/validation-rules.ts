import type { Field } from './shape.ts';

/**
 * The rules of protoc-gen-validate that the Envoy API uses (https://github.com/bufbuild/protoc-gen-validate), as functions
 * that give a sentence about what a value fails to be, or undefined.
 */

/** The rules of one field, as plain data: `{ string: { min_len: 1 } }`. */
export interface RuleSet {
  /** Which kind of rule applies: `string`, `uint32`, `repeated`, … */
  readonly kinds: Readonly<Record<string, unknown>>;
  readonly required: boolean;
}

type Rule = (value: unknown) => string | undefined;
type Parameters = Readonly<Record<string, unknown>>;

/** A duration is never negative for Envoy, whether its field says so or not. */
const anyDuration: RuleSet = { kinds: { duration: {} }, required: false };

export function rulesOf(field: Field): RuleSet | undefined {
  if (isParameters(field.rules)) return ruleSet(field.rules);
  const isDuration = field.value.kind === 'message' && field.value.name === 'google.protobuf.Duration';
  return isDuration && field.cardinality === 'one' ? anyDuration : undefined;
}

/** The rules for the items, keys or values inside the rules of a list or a map. */
export function itemRules(rules: RuleSet, kind: 'repeated' | 'map', part: 'items' | 'keys' | 'values'): RuleSet {
  return ruleSet(parametersOf(parametersOf(rules.kinds[kind])[part]));
}

/** The rule for a list or a map as a whole. */
export function listRule(rules: RuleSet): ((values: readonly unknown[]) => string | undefined) | undefined {
  const { min_items, max_items, unique } = parametersOf(rules.kinds['repeated']);
  const { min_pairs } = parametersOf(rules.kinds['map']);
  const least = min_items ?? min_pairs;
  if (least === undefined && max_items === undefined && unique === undefined) return undefined;
  return (values) => {
    if (typeof least === 'number' && values.length < least) return `has at least ${least} items`;
    if (typeof max_items === 'number' && values.length > max_items) return `has at most ${max_items} items`;
    if (unique === true && new Set(values).size < values.length) return 'has no item twice';
    return undefined;
  };
}

/** The rule for a single value, where the rules have one. */
export function valueRule(rules: RuleSet, field: Field): Rule | undefined {
  const isWrapped =
    field.value.kind === 'message' && field.value.name.startsWith('google.protobuf.') && isWrapper(field.value.name);
  for (const [kind, data] of Object.entries(rules.kinds)) {
    const rule = ruleOfKind(kind, parametersOf(data), field);
    if (rule === undefined) continue;
    return isWrapped ? (value) => rule(parametersOf(value)['value']) : rule;
  }
  return undefined;
}

function ruleOfKind(kind: string, rule: Parameters, field: Field): Rule | undefined {
  switch (kind) {
    case 'string':
      return stringRule(rule);
    case 'bytes':
      return lengthRule(rule, (value) => (value instanceof Uint8Array ? value.length : 0), 'byte');
    case 'bool':
      return (value) =>
        typeof rule['const'] === 'boolean' && (value ?? false) !== rule['const'] ? `is ${rule['const']}` : undefined;
    case 'enum':
      return enumRule(rule, field);
    case 'duration':
      return durationRule(rule);
    case 'float':
    case 'double':
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64':
      return rangeRule(rule, (value) => (typeof value === 'number' ? value : 0), String);
    default:
      return undefined;
  }
}

/** gt, gte, lt and lte; where the lower bound is above the upper one, the value lies outside of the two. */
function rangeRule(rule: Parameters, numberOf: (value: unknown) => number, text: (bound: number) => string): Rule {
  const bound = (name: string): number | undefined => (rule[name] === undefined ? undefined : numberOf(rule[name]));
  const [above, least, below, most] = [bound('gt'), bound('gte'), bound('lt'), bound('lte')];
  return (value) => {
    const number = numberOf(value);
    if (above !== undefined && !(number > above)) return `is greater than ${text(above)}`;
    if (least !== undefined && !(number >= least)) return `is at least ${text(least)}`;
    if (below !== undefined && !(number < below)) return `is less than ${text(below)}`;
    if (most !== undefined && !(number <= most)) return `is at most ${text(most)}`;
    return undefined;
  };
}

function durationRule(rule: Parameters): Rule {
  const range = rangeRule(rule, secondsOf, (seconds) => `${seconds}s`);
  return (value) => (secondsOf(value) < 0 ? 'is not negative' : range(value));
}

function secondsOf(value: unknown): number {
  const { seconds, nanos } = parametersOf(value);
  return (typeof seconds === 'number' ? seconds : 0) + (typeof nanos === 'number' ? nanos : 0) / 1e9;
}

function enumRule(rule: Parameters, field: Field): Rule | undefined {
  if (field.value.kind !== 'enum') return undefined;
  const { numbers } = field.value;
  const excluded = Array.isArray(rule['not_in'])
    ? rule['not_in']
    : rule['not_in'] === undefined
      ? []
      : [rule['not_in']];
  return (value) => {
    const number = value === undefined ? 0 : typeof value === 'string' ? numbers.get(value) : undefined;
    if (number === undefined) return 'is a value of its enum';
    return excluded.includes(number) ? `is not ${String(value)}` : undefined;
  };
}

const strictHeaderName = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what the rule is about
const strictHeaderValue = /^[^\u0000-\u0008\u000a-\u001f\u007f]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what the rule is about
const looseHeaderText = /^[^\u0000\u000a\u000d]*$/;

function stringRule(rule: Parameters): Rule {
  const length = lengthRule(rule, (value) => codePoints(textOf(value)), 'character');
  const pattern = patternOf(rule);
  const allowed = listOf(rule['in']);
  return (value) => {
    const text = textOf(value);
    if (text === '' && rule['ignore_empty'] === true) return undefined;
    const tooLong = typeof rule['max_bytes'] === 'number' && Buffer.byteLength(text) > rule['max_bytes'];
    if (tooLong) return `is at most ${String(rule['max_bytes'])} bytes long`;
    if (pattern !== undefined && !pattern.test(text)) return `matches ${pattern.source}`;
    if (allowed.length > 0 && !allowed.includes(text)) return `is one of ${allowed.join(', ')}`;
    return length(value);
  };
}

function patternOf(rule: Parameters): RegExp | undefined {
  if (typeof rule['pattern'] === 'string') return new RegExp(rule['pattern'], 'u');
  if (rule['well_known_regex'] === undefined) return undefined;
  if (rule['strict'] === false) return looseHeaderText;
  return rule['well_known_regex'] === 'HTTP_HEADER_NAME' ? strictHeaderName : strictHeaderValue;
}

function lengthRule(rule: Parameters, lengthOf: (value: unknown) => number, unit: string): Rule {
  const { min_len, max_len } = rule;
  return (value) => {
    const length = lengthOf(value);
    if (typeof min_len === 'number' && length < min_len)
      return `is at least ${min_len} ${unit}${min_len === 1 ? '' : 's'} long`;
    if (typeof max_len === 'number' && length > max_len) return `is at most ${max_len} ${unit}s long`;
    return undefined;
  };
}

function ruleSet(kinds: Parameters): RuleSet {
  // `message`, `any` and `duration` carry `required`.
  return { kinds, required: Object.values(kinds).some((rule) => parametersOf(rule)['required'] === true) };
}

function isWrapper(name: string): boolean {
  return name.endsWith('Value') && name !== 'google.protobuf.Value' && name !== 'google.protobuf.ListValue';
}

function codePoints(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isParameters(value: unknown): value is Parameters {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parametersOf(value: unknown): Parameters {
  return isParameters(value) ? value : {};
}
