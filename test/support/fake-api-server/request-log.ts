import type { Route, Verb } from './route.ts';

export interface LoggedRequest {
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** undefined: it asks for no object. */
  readonly route: Route | undefined;
  /** Port of the client's end of the connection. */
  readonly port: number | undefined;
}

/** Which requests are meant; what is not said does not matter. */
export interface RequestMatch {
  readonly verb?: Verb;
  /** Plural. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** Whether a watch asks for the initial events too (WatchList). */
  readonly initialEvents?: boolean;
  /** Whether a list goes on where a page before it ended. */
  readonly continued?: boolean;
}

export function matches({ route, query }: LoggedRequest, match: RequestMatch): boolean {
  return (
    (match.verb === undefined || match.verb === route?.verb) &&
    (match.resource === undefined || match.resource === route?.plural) &&
    (match.namespace === undefined || match.namespace === route?.namespace) &&
    (match.name === undefined || match.name === route?.name) &&
    (match.subresource === undefined || match.subresource === route?.subresource) &&
    (match.initialEvents === undefined || match.initialEvents === (query['sendInitialEvents'] === 'true')) &&
    (match.continued === undefined || match.continued === (query['continue'] !== undefined))
  );
}

/** Every request that came, in order. */
export class RequestLog {
  #requests: LoggedRequest[] = [];
  readonly #listeners = new Set<() => void>();

  add(request: LoggedRequest): void {
    this.#requests.push(request);
    for (const listener of [...this.#listeners]) listener();
  }

  all(match: RequestMatch = {}): readonly LoggedRequest[] {
    return this.#requests.filter((request) => matches(request, match));
  }

  count(match: RequestMatch = {}): number {
    return this.all(match).length;
  }

  clear(): void {
    this.#requests = [];
  }

  /** Settles when so many requests of this kind have come. */
  async reaches(count: number, match: RequestMatch = {}): Promise<readonly LoggedRequest[]> {
    while (this.count(match) < count) {
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
    return this.all(match);
  }
}
