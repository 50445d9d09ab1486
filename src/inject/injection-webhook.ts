import { readReview, reviewOf, type MalformedReview, type ReviewAnswer } from './admission-review.ts';
import { injectPod } from './injection.ts';
import { podSchema } from './pod.ts';
import type { InjectionOptions } from './sidecar-form.ts';

export type InjectionOutcome = 'injected' | 'skipped' | 'refused';

/** Objects within objects: more than a pod has, and few enough for whatever walks through them (reliability S2). */
const deepest = 100;

/**
 * What the mutating webhook answers (kubernetes K90). Whether a pod is in a namespace that has opted in the API server knows: it asks about no
 * others.
 *
 * @param body of the request, parsed
 */
export function answerInjection(
  body: unknown,
  options: InjectionOptions,
): ReviewAnswer<InjectionOutcome> | MalformedReview {
  const request = readReview(body);
  if ('kind' in request) return request;
  const { operation, object, subResource } = request;
  const untouched = { refusal: undefined, warnings: [] };
  const answer = (outcome: InjectionOutcome, response: Parameters<typeof reviewOf>[1]) =>
    ({ kind: 'answer', outcome, review: reviewOf(request, response) }) as const;
  if (operation !== 'CREATE' || object === undefined || object === null || (subResource ?? '') !== '') {
    return answer('skipped', untouched);
  }
  if (isDeeper(object, deepest)) return { kind: 'malformed', reason: 'request.object is nested too deeply for a pod' };
  const read = podSchema.safeParse(object);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { kind: 'malformed', reason: `request.object is no pod: ${issue?.path.join('.')}: ${issue?.message}` };
  }
  const result = injectPod(read.data, request.namespace ?? read.data.metadata?.namespace ?? 'default', options);
  switch (result.kind) {
    case 'skipped':
      return answer('skipped', untouched);
    case 'invalid':
      return answer('refused', { refusal: refusalOf(result.problems), warnings: [] });
    case 'injected':
      return answer('injected', {
        refusal: undefined,
        warnings: result.warnings,
        patch: [
          ...changes('/metadata', read.data.metadata ?? {}, result.pod.metadata ?? {}, !('metadata' in object)),
          ...changes('/spec', read.data.spec, result.pod.spec, false),
        ],
      });
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1));
}

type Fields = Readonly<Record<string, unknown>>;

/** Operations that make one of the other, field by field. Injection takes no field away. */
function changes(path: string, before: Fields, after: Fields, isNew: boolean): readonly unknown[] {
  if (isNew) return [{ op: 'add', path, value: after }];
  return Object.entries(after)
    .filter(([name, value]) => value !== before[name])
    .map(([name, value]) => ({ op: 'add', path: `${path}/${name}`, value }));
}

/** Said to whoever created the pod; of a Deployment, in the events of its ReplicaSet. */
function refusalOf(problems: readonly string[]): unknown {
  const message = `the sidecar of the pod cannot be as it is asked for: ${problems.join('; ')}`;
  return { status: 'Failure', code: 422, reason: 'Invalid', message };
}
