import { invariant } from '../incremental/invariant.ts';
import type { Any, MessageTypes } from './generated/envoy-api.ts';
import { decode, shapeOf, typeNameOf, type TypeName } from './proto.ts';
import type { Field, Shape } from './shape.ts';
import { itemRules, listRule, rulesOf, valueRule, type RuleSet } from './validation-rules.ts';

/**
 * Checks messages against the rules that Envoy generates its own checks from (the protos' `validate.rules`). One violation
 * makes Envoy reject a whole response, with every other resource in it, so nothing that has one is published
 * (xds-protocol X305).
 */

export interface RuleViolation {
  /** For example `filterChains[0].filters[1].typedConfig.statPrefix`. */
  readonly path: string;
  /** For example `is at least 1 character long`. */
  readonly rule: string;
}

/** What a message breaks of its type's rules; messages in an `Any` are looked into where their type is known. */
export function validate<Name extends TypeName>(name: Name, message: MessageTypes[Name]): readonly RuleViolation[] {
  const violations: RuleViolation[] = [];
  checkOf(name)?.(message, violations);
  return violations;
}

/** Adds what it finds, with paths that begin at what it looks at: paths are put together only where there is something to say. */
type Check<Value> = (value: Value, violations: RuleViolation[]) => void;

const anyType = 'google.protobuf.Any';
const checks = new Map<string, Check<object> | undefined>();
/** Violations in the bytes of an `Any`, which is often one constant in many messages. */
const checkedBytes = new WeakMap<Uint8Array, readonly RuleViolation[]>();

/** The check of a type; undefined when neither it nor anything below it has a rule. */
function checkOf(name: string): Check<object> | undefined {
  if (!checks.has(name)) checks.set(name, hasRules(name) ? messageCheck(name) : undefined);
  return checks.get(name);
}

function hasRules(name: string): boolean {
  const seen = new Set([name]);
  for (const each of seen) {
    if (each === anyType) return true;
    const shape = shapeOf(each);
    if (shape === undefined) continue;
    if (shape.requiredOneofs.length > 0 || shape.fields.some((field) => rulesOf(field) !== undefined)) return true;
    for (const { value } of shape.fields) if (value.kind === 'message') seen.add(value.name);
  }
  return false;
}

interface FieldChecks {
  readonly byName: ReadonlyMap<string, Check<unknown>>;
  /** Those that have something to say when their field is absent. */
  readonly ofAbsent: ReadonlyMap<string, Check<unknown>>;
}

function messageCheck(name: string): Check<object> {
  if (name === anyType) return checkAny;
  const shape = shapeOf(name);
  invariant(shape !== undefined, `the Envoy API has no message ${name}`);
  // Made at first use, since messages contain themselves.
  let fields: FieldChecks | undefined;
  return (message, violations) => {
    fields ??= fieldChecks(shape);
    for (const field in message) {
      const value: unknown = message[field as keyof typeof message];
      const check = value === undefined ? undefined : fields.byName.get(field);
      if (check !== undefined) within(field, check, value, violations);
    }
    for (const [field, check] of fields.ofAbsent) {
      if (!isSet(message, field)) within(field, check, undefined, violations);
    }
    for (const oneof of shape.requiredOneofs) {
      if (oneof.fields.some((field) => isSet(message, field))) continue;
      violations.push({ path: '', rule: `has one of ${oneof.fields.join(', ')}` });
    }
  };
}

function isSet(message: object, field: string): boolean {
  return message[field as keyof typeof message] !== undefined;
}

function fieldChecks(shape: Shape): FieldChecks {
  const byName = new Map<string, Check<unknown>>();
  for (const field of shape.fields) {
    const check = field.cardinality === 'one' ? oneCheck(field, rulesOf(field)) : manyCheck(field, rulesOf(field));
    if (check !== undefined) byName.set(field.name, check);
  }
  const speaking = [...byName].filter(([, check]) => {
    const violations: RuleViolation[] = [];
    check(undefined, violations);
    return violations.length > 0;
  });
  return { byName, ofAbsent: new Map(speaking) };
}

function checkAny(any: Any, violations: RuleViolation[]): void {
  const name = typeNameOf(any);
  if (name === undefined || any.value === undefined) return;
  let inner = checkedBytes.get(any.value);
  if (inner === undefined) {
    inner = validate(name, decode(name, any.value));
    checkedBytes.set(any.value, inner);
  }
  violations.push(...inner);
}

function manyCheck(field: Field, rules: RuleSet | undefined): Check<unknown> | undefined {
  const list = rules === undefined ? undefined : listRule(rules);
  const item = itemCheck(field, rules);
  const key = rules === undefined ? undefined : valueRule(itemRules(rules, 'map', 'keys'), field);
  if (list === undefined && item === undefined && key === undefined) return undefined;
  return (value, violations) => {
    report(list?.(valuesOf(value)), violations);
    if (item === undefined && key === undefined) return;
    for (const [name, each] of entriesOf(value)) {
      if (key !== undefined) within(`[${name}]`, (text: string) => report(key(text), violations), name, violations);
      if (item !== undefined) within(`[${name}]`, item, each, violations);
    }
  };
}

function valuesOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : entriesOf(value).map(([, each]) => each);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function oneCheck(field: Field, rules: RuleSet | undefined): Check<unknown> | undefined {
  const own = rules === undefined ? undefined : valueRule(rules, field);
  const inner = field.value.kind === 'message' ? checkOf(field.value.name) : undefined;
  // The rules of a member of a oneof hold when it is the one that is set.
  const required = rules?.required === true && field.oneof === undefined;
  if (own === undefined && inner === undefined && !required) return undefined;
  return (value, violations) => {
    if (value === undefined && field.hasPresence) {
      if (required) violations.push({ path: '', rule: 'is present' });
      return;
    }
    report(own?.(value), violations);
    if (inner !== undefined && typeof value === 'object' && value !== null) inner(value, violations);
  };
}

function itemCheck(field: Field, rules: RuleSet | undefined): Check<unknown> | undefined {
  const own = rules === undefined ? undefined : valueRule(rulesOfItems(field, rules), field);
  const inner = field.value.kind === 'message' ? checkOf(field.value.name) : undefined;
  if (own === undefined && inner === undefined) return undefined;
  return (value, violations) => {
    report(own?.(value), violations);
    if (inner !== undefined && typeof value === 'object' && value !== null) inner(value, violations);
  };
}

function rulesOfItems({ cardinality }: Field, rules: RuleSet): RuleSet {
  return cardinality === 'map' ? itemRules(rules, 'map', 'values') : itemRules(rules, 'repeated', 'items');
}

/** Runs a check of a part and puts the part's name before what it finds. */
function within<Value>(part: string, check: Check<Value>, value: Value, violations: RuleViolation[]): void {
  const before = violations.length;
  check(value, violations);
  for (let index = before; index < violations.length; index++) {
    const violation = violations[index];
    if (violation !== undefined) violations[index] = { ...violation, path: joined(part, violation.path) };
  }
}

function report(rule: string | undefined, violations: RuleViolation[]): void {
  if (rule !== undefined) violations.push({ path: '', rule });
}

function joined(outer: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? outer + inner : `${outer}.${inner}`;
}
