import { matches, type LoggedRequest, type RequestMatch } from './request-log.ts';
import type { StatusCause } from './refusal.ts';

/** What goes wrong with one answer. Lines are counted from its beginning; a list is one line. */
export type Fault =
  /** Another answer: a Status object. */
  | {
      readonly kind: 'status';
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly causes?: readonly StatusCause[];
      readonly retryAfterSeconds?: number;
    }
  /** 200 and this text. */
  | { readonly kind: 'body'; readonly text: string }
  /** The request is taken, and never answered. */
  | { readonly kind: 'no-headers' }
  /** After some lines the connection breaks, in the middle of the next one if `bytes` of it are sent. */
  | { readonly kind: 'reset'; readonly afterLines?: number; readonly bytes?: number }
  /** After some lines an ERROR event, then the answer ends. */
  | {
      readonly kind: 'error-event';
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly afterLines?: number;
    }
  /** After some lines the answer ends as if all was said. */
  | { readonly kind: 'close'; readonly afterLines?: number }
  /** After some lines nothing comes any more, and the connection stays. */
  | { readonly kind: 'silence'; readonly afterLines?: number }
  /** After some lines one that the server would not send; then it goes on. */
  | { readonly kind: 'line'; readonly text: string; readonly afterLines?: number }
  /** Every line comes in pieces of so many bytes, each on its own. */
  | { readonly kind: 'pieces'; readonly bytes: number }
  /** So many bytes at a time, with a pause after each. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number };

interface Rule {
  readonly match: RequestMatch;
  readonly fault: Fault;
  left: number;
}

/** The script of what goes wrong. A request takes the first rule that means it. */
export class Faults {
  #rules: Rule[] = [];

  once(match: RequestMatch, fault: Fault): void {
    this.times(1, match, fault);
  }

  times(count: number, match: RequestMatch, fault: Fault): void {
    this.#rules.push({ match, fault, left: count });
  }

  /** @returns ends it */
  always(match: RequestMatch, fault: Fault): () => void {
    const rule: Rule = { match, fault, left: Infinity };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((each) => each !== rule);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** Faults that were to happen so many times, and did not. */
  get unused(): readonly Fault[] {
    return this.#rules.filter(({ left }) => left < Infinity).map(({ fault }) => fault);
  }

  take(request: LoggedRequest): Fault | undefined {
    const rule = this.#rules.find(({ match }) => matches(request, match));
    if (rule === undefined) return undefined;
    rule.left -= 1;
    if (rule.left <= 0) this.#rules = this.#rules.filter((each) => each !== rule);
    return rule.fault;
  }
}
