import type { Answer, Echo } from './echo-service.ts';
import type { Answerer, Outcome } from './traffic.ts';

/** Failures that are meant: none, those with one status, or any that Envoy says it injected. */
export type MakeBelieve =
  { readonly kind: 'none' } | { readonly kind: 'status'; readonly status: number } | { readonly kind: 'any' };

/** Envoy's words when it fails a request because it was told to. */
const faultBody = 'fault filter abort';

/**
 * What an answer that went through several services came to. A make-believe failure is believed only while one is expected,
 * and only with the status and the words that an injected one has: everything else that is not 200 is real.
 */
export function outcomeOf(answer: Answer, expected: MakeBelieve): Outcome {
  const by: Answerer[] = [];
  let deepest = answer;
  for (let echo = echoOf(deepest); echo !== undefined; echo = echoOf(deepest)) {
    by.push(echo);
    if (echo.next === undefined) break;
    deepest = echo.next;
  }
  if (answer.status === 200) return { kind: 'answered', by };
  if (isMeant(deepest, expected)) return { kind: 'injected' };
  const behind = by.length === 0 ? '' : ` behind ${by.map(({ instance }) => instance).join(', ')}`;
  return { kind: 'failed', why: `status ${deepest.status}${behind}: ${deepest.body.slice(0, 120)}` };
}

function isMeant({ status, body }: Answer, expected: MakeBelieve): boolean {
  if (body !== faultBody) return false;
  switch (expected.kind) {
    case 'none':
      return false;
    case 'status':
      return status === expected.status;
    case 'any':
      return true;
  }
}

function echoOf({ body }: Answer): Echo | undefined {
  try {
    return JSON.parse(body) as Echo;
  } catch {
    return undefined;
  }
}
