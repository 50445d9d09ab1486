import { isDeepStrictEqual } from 'node:util';
import type { Index, Query, Read } from '../incremental/definitions.ts';
import type { Condition, ConditionType } from '../model/condition.ts';
import type { ConfigObject } from '../model/config-object.ts';
import type { FindingCode } from '../model/finding-codes.ts';
import { configKey, type ConfigKey } from '../model/keys.ts';
import type { Violation } from '../model/provenance.ts';
import type { SourceProblem } from '../model/source.ts';
import { configs, sourceProblems } from '../model/tables.ts';
import { decodeConfig } from './dialects/istio/decode.ts';
import { findingsOf } from './findings.ts';
import { violationList } from './status-text.ts';

/** What is known of an object before any proxy is asked (design section 5 point 12). */

/** What a source refuses of an object: it is no row, or the last good one still is. */
const problemsByObject: Index<ConfigKey, string, SourceProblem> = {
  name: 'problemsByObject',
  table: sourceProblems,
  valuesOf: ({ place }) => {
    if (place.kind !== 'object') return [];
    const { kind, namespace, name } = place.object;
    return [configKey(kind, namespace, name)];
  },
};

/**
 * Accepted and ResolvedRefs of an object, and Conflicted and Shadowed where that is so. Empty: there is no such object.
 */
export const objectConditions: Query<ConfigKey, readonly Condition[]> = {
  name: 'objectConditions',
  compute(read, key) {
    const object = read(configs, key);
    const refusals = read(problemsByObject, key)
      .map((problem) => read(sourceProblems, problem))
      .filter((problem) => problem !== undefined);
    const refused = refusals.length === 0 ? [] : [refusedAs(refusals, object)];
    if (object === undefined) return refused;
    return [...(refused.length > 0 ? refused : [acceptedAs(object)]), ...besideOthers(read, key, object)];
  },
  equal: isDeepStrictEqual,
};

function refusedAs(refusals: readonly SourceProblem[], object: ConfigObject | undefined): Condition {
  const generations = refusals.map(({ place }) => (place.kind === 'object' ? (place.object.generation ?? 0) : 0));
  const stays = object === undefined ? 'nothing of it is in force' : `generation ${object.generation} stays in force`;
  return {
    type: 'Accepted',
    status: 'False',
    reason: 'Invalid',
    message: violationList(stays, refusals),
    observedGeneration: Math.max(...generations, object?.generation ?? 0),
  };
}

function acceptedAs(object: ConfigObject): Condition {
  const decoded = decodeConfig(object);
  if (decoded.kind === 'invalid') {
    const message = violationList('in force as if it denied all that it may be meant to keep out', decoded.violations);
    return { type: 'Accepted', status: 'False', reason: 'Invalid', message, observedGeneration: object.generation };
  }
  const warnings = warningsOf(object).filter(({ code }) => !Object.hasOwn(shadows, code));
  const message = warnings.length === 0 ? 'in force' : violationList('in force, but perhaps not as meant', warnings);
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration: object.generation };
}

function warningsOf(object: ConfigObject): readonly Violation[] {
  const decoded = decodeConfig(object);
  return decoded.kind === 'valid' ? decoded.warnings : [];
}

function besideOthers(read: Read, key: ConfigKey, object: ConfigObject): readonly Condition[] {
  const findings = read(findingsOf, key);
  const said = [...findings, ...warningsOf(object)];
  const about = { observedGeneration: object.generation };
  const unresolved = said.filter(({ code }) => Object.hasOwn(unresolvedReferences, code));
  const resolved: Condition =
    unresolved.length === 0
      ? {
          type: 'ResolvedRefs',
          status: 'True',
          reason: 'ResolvedRefs',
          message: 'all that it names is there',
          ...about,
        }
      : {
          type: 'ResolvedRefs',
          status: 'False',
          reason: reasonIn(unresolvedReferences, unresolved),
          message: violationList('', unresolved),
          ...about,
        };
  return [
    resolved,
    ...whileTrue('Conflicted', conflicts, said, object),
    ...whileTrue('Shadowed', shadows, said, object),
  ];
}

function whileTrue(
  type: ConditionType,
  reasons: Reasons,
  said: readonly Violation[],
  object: ConfigObject,
): Condition[] {
  const remarks = said.filter(({ code }) => Object.hasOwn(reasons, code));
  if (remarks.length === 0) return [];
  const message = violationList('', remarks);
  return [{ type, status: 'True', reason: reasonIn(reasons, remarks), message, observedGeneration: object.generation }];
}

/** Reasons by code of a finding or a warning. */
type Reasons = Readonly<Record<string, string>>;

/** What an object names and that is not there, or not as it is named. */
const unresolvedReferences = {
  IST0101: 'HostNotFound',
  IST0127: 'NoMatchingWorkloads',
  IST0173: 'SubsetWithoutEndpoints',
  WEIR1402: 'HostNotFound',
  WEIR1403: 'SubsetNotFound',
  WEIR1404: 'PortNotServed',
  WEIR1426: 'ProviderNotFound',
  WEIR1428: 'KeysNotFetched',
} as const satisfies Partial<Record<FindingCode, string>>;

/** Where another object that claims the same holds instead. */
const conflicts = {
  IST0109: 'HostClaimedTwice',
  WEIR1405: 'OlderRuleHolds',
  WEIR1407: 'ServiceDeclaredTwice',
  WEIR1409: 'OlderConfigurationHolds',
  WEIR1410: 'PortTaken',
  WEIR1412: 'OlderPolicyHolds',
} as const satisfies Partial<Record<FindingCode, string>>;

const shadows = { IST0130: 'RuleUnreachable', IST0131: 'MatchIneffective' } as const;

/** Of several the first counts: they are in the order of the object's fields. */
function reasonIn(reasons: Reasons, [first]: readonly Violation[]): string {
  return reasons[first?.code ?? ''] ?? 'Other';
}
