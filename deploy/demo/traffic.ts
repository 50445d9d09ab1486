import { performance } from 'node:perf_hooks';
import type { Answer } from './echo-service.ts';

/** Steady traffic, and what became of it. */

/** What one request came to. */
export type Outcome =
  /** Answered; by which pods, along the way. */
  | { readonly kind: 'answered'; readonly by: readonly Answerer[] }
  /** Failed because the mesh was told to make it fail. */
  | { readonly kind: 'injected' }
  /** Failed, and nobody asked for it. */
  | { readonly kind: 'failed'; readonly why: string };

export interface Answerer {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
}

/** Counts over some span of time. */
export class Tally {
  requests = 0;
  injected = 0;
  failed = 0;
  /** Why, and how often. */
  readonly failures = new Map<string, number>();
  /** `service version` -> answers. */
  readonly versions = new Map<string, number>();
  /** Pod -> answers. */
  readonly instances = new Map<string, number>();

  add(outcome: Outcome): void {
    this.requests++;
    switch (outcome.kind) {
      case 'answered':
        for (const { service, version, instance } of outcome.by) {
          increment(this.versions, `${service} ${version}`);
          increment(this.instances, instance);
        }
        return;
      case 'injected':
        this.injected++;
        return;
      case 'failed':
        this.failed++;
        increment(this.failures, outcome.why);
    }
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export interface TrafficOptions {
  readonly perSecond: number;
  /** Makes one request. Must not reject. */
  readonly ask: (number: number) => Promise<Answer>;
  readonly onAnswer: (number: number, answer: Answer) => void;
}

/** Milliseconds between looks at how many requests are due. */
const tick = 10;
/** A stuck mesh must not pile up requests without end. */
const mostInFlight = 200;

/**
 * Sends requests at a steady rate, whether or not earlier ones were answered, until the signal; then waits for the answers.
 * Requests that were due while too many were in flight are dropped, and not made up for.
 */
export async function runTraffic({ perSecond, ask, onAnswer }: TrafficOptions, signal: AbortSignal): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  const started = performance.now();
  let sent = 0;
  const sendDue = (): void => {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
    for (; sent < due; sent++) {
      if (inFlight.size >= mostInFlight) continue;
      const number = sent;
      const request = ask(number).then((answer) => onAnswer(number, answer));
      inFlight.add(request);
      void request.finally(() => inFlight.delete(request));
    }
  };
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(sendDue, tick);
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted) await stopped;
  clearInterval(timer);
  await Promise.all(inFlight);
}
