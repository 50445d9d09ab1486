import { referenceToConfig, type ConfigObject } from '../../../model/config-object.ts';
import type { ObjectReference, Provenance, Violation } from '../../../model/provenance.ts';
import type { ViolationCodeName } from '../../../model/violation-codes.ts';
import type { DecodedObject, Decoding } from './decoded.ts';
import { largestObject } from './limits.ts';

/** The reading of one object: what is read, and everything found wrong with it on the way. */
export class Reading {
  readonly namespace: string;
  /** Cluster domain, behind `svc.` in full names of services. */
  readonly domain: string;
  readonly reference: ObjectReference;
  readonly #object: ConfigObject;
  readonly #violations: Violation[] = [];
  /** Paths whose own error explains what would be found around them. */
  #explained: readonly string[] = [];
  #errors = 0;
  #regexes = 0;

  constructor(object: ConfigObject, domain: string) {
    this.namespace = object.namespace;
    this.domain = domain;
    this.reference = referenceToConfig(object);
    this.#object = object;
  }

  get spec(): unknown {
    return this.#object.spec;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#object.labels;
  }

  get annotations(): Readonly<Record<string, string>> {
    return this.#object.annotations;
  }

  /** Who wrote the object, and when. */
  get author(): DecodedObject {
    const { namespace, name, createdAt } = this.#object;
    return { namespace, name, createdAt, reference: this.reference };
  }

  /** Where a part of the decoded value comes from. */
  provenance(path: string): Provenance {
    return { ...this.reference, path };
  }

  /** The object, or the part at the path, cannot be in force. Message and advice are sentences without a full stop. */
  error(code: ViolationCodeName, path: string, message: string, advice: string): void {
    this.#add({ severity: 'error', code, path, message, advice });
  }

  /** In force, but probably not as meant. */
  warn(code: ViolationCodeName, path: string, message: string, advice: string): void {
    this.#add({ severity: 'warning', code, path, message, advice });
  }

  /** @param consequence what holds instead, for example `requests are mirrored without it` */
  notInForce(path: string, consequence: string): void {
    this.warn(
      'WEIR1009',
      path,
      `${fieldName(path)} is not in force yet: ${consequence}`,
      'remove the field, or do not count on it',
    );
  }

  deprecated(path: string, replacement: string): void {
    this.warn('IST0002', path, `${fieldName(path)} is deprecated`, `use ${replacement}`);
  }

  /** What is found at, within or just around these paths from now on is not reported: it would echo what was said of them. */
  silence(paths: readonly string[]): void {
    this.#explained = [...this.#explained, ...paths];
  }

  /** Whether one more regular expression may be compiled for this object; says so, once, when not (reliability S76). */
  mayCompileRegex(path: string): boolean {
    this.#regexes += 1;
    if (this.#regexes === largestObject.regexes + 1) {
      const message = `the object has more than ${largestObject.regexes} regular expressions`;
      this.error('WEIR1008', path, message, 'use exact or prefix matches, or join alternatives with |');
    }
    return this.#regexes <= largestObject.regexes;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  result<Value>(value: Value | undefined): Decoding<Value> {
    const violations = this.#violations;
    return value === undefined || this.#errors > 0
      ? { kind: 'invalid', violations }
      : { kind: 'valid', value, warnings: violations };
  }

  #add(violation: Violation): void {
    if (this.#explained.some((path) => isEcho(violation, path))) return;
    if (violation.severity === 'error') this.#errors += 1;
    // An object of a million mistakes is told of the first ones.
    if (this.#violations.length < largestObject.violations) this.#violations.push(violation);
  }
}

/** Errors that something is not there, which may have been left out because it was wrong. */
const missing: ReadonlySet<string> = new Set<ViolationCodeName>(['WEIR1005', 'WEIR1103', 'WEIR1105', 'WEIR1201']);

/** Whether a violation follows from an error at a path: it is found there, or just around, where the wrong value is missed. */
function isEcho({ path, code, severity }: Violation, explained: string): boolean {
  if (path === explained || isWithin(path, explained)) return true;
  if (severity === 'error' && !missing.has(code)) return false;
  return isWithin(explained, path) && (explained.slice(path.length).match(/[.[]/g)?.length ?? 0) <= 2;
}

function isWithin(inner: string, outer: string): boolean {
  return inner.startsWith(outer) && (inner[outer.length] === '.' || inner[outer.length] === '[');
}

/** The last step of a path. */
function fieldName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
