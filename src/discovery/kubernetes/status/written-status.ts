import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Condition, ConditionType } from '../../../model/condition.ts';

/** The `status` of an object: what stands there, what should, and how much that matters. */

/** Weir's part of what stands there. */
export interface WrittenStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly WrittenCondition[];
}

export interface WrittenCondition extends Condition {
  /** As Kubernetes writes times. */
  readonly lastTransitionTime: string;
}

const ownTypes: Readonly<Record<ConditionType, true>> = {
  Accepted: true,
  ResolvedRefs: true,
  Programmed: true,
  Conflicted: true,
  Shadowed: true,
};

const conditionSchema = z.object({
  type: z.string().refine((type): type is ConditionType => Object.hasOwn(ownTypes, type)),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  observedGeneration: z.number(),
  lastTransitionTime: z.string(),
});

const statusSchema = z.object({
  observedGeneration: z.number().catch(0),
  conditions: z.array(z.unknown()).catch([]),
});

/** Reads what stands on an object; conditions of others, and what cannot be read, count as absent. */
export function readStatus(status: unknown): WrittenStatus {
  const { observedGeneration, conditions } = statusSchema
    .catch({ observedGeneration: 0, conditions: [] })
    .parse(status);
  return {
    observedGeneration,
    conditions: conditions.flatMap((each) => {
      const read = conditionSchema.safeParse(each);
      return read.success ? [read.data] : [];
    }),
  };
}

/** The time of a condition is when its status last changed. @param now as Kubernetes writes times */
export function statusOf(conditions: readonly Condition[], written: WrittenStatus, now: string): WrittenStatus {
  return {
    observedGeneration: Math.max(...conditions.map((condition) => condition.observedGeneration)),
    conditions: conditions.map((condition) => {
      const before = written.conditions.find(({ type }) => type === condition.type);
      const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now;
      return { ...condition, lastTransitionTime };
    }),
  };
}

/**
 * How a status differs from the one that stands there: in nothing; in the words about the proxies alone, which come and go all day; in
 * proxies that are no longer as far as they were, which may be over in a moment; or in something that people wait for.
 */
export type Difference = 'none' | 'count' | 'setback' | 'news';

export function differenceOf(next: WrittenStatus, written: WrittenStatus): Difference {
  if (isDeepStrictEqual(byType(next), byType(written))) return 'none';
  const [programmed, others] = apart(next);
  const [before, othersBefore] = apart(written);
  if (!isDeepStrictEqual(others, othersBefore)) return 'news';
  if (programmed === undefined || before === undefined) return 'news';
  if (programmed.observedGeneration !== before.observedGeneration) return 'news';
  if (programmed.status === before.status && programmed.reason === before.reason) return 'count';
  return before.status === 'True' && programmed.reason !== 'Rejected' ? 'setback' : 'news';
}

function apart(status: WrittenStatus): readonly [WrittenCondition | undefined, unknown] {
  const programmed = status.conditions.find(({ type }) => type === 'Programmed');
  const conditions = status.conditions.filter((condition) => condition !== programmed);
  return [programmed, byType({ ...status, conditions })];
}

/** Servers keep lists in an order of their own. */
function byType({ observedGeneration, conditions }: WrittenStatus): unknown {
  return { observedGeneration, conditions: conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1)) };
}
