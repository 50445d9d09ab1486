import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface FakeAccount {
  readonly username: string;
  readonly password: string;
  /** Seconds. Default: 18,000. */
  readonly tokenTtl?: number;
}

/** Logins and tokens of a Nacos that is played. */
export class FakeAccounts {
  /** Paths of the logins that were tried, in order. */
  readonly tried: string[] = [];
  readonly #version: '2.5' | '3.1';
  readonly #account: FakeAccount | undefined;
  #valid = new Set<string>();
  #given = 0;
  #failures = 0;
  #onGiven: () => void = () => undefined;

  constructor(version: '2.5' | '3.1', account: FakeAccount | undefined) {
    this.#version = version;
    this.#account = account;
  }

  /** Settles when so many logins have been answered with a token. */
  async untilGiven(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onGiven = () => {
      if (this.#given >= count) resolve();
    };
    this.#onGiven();
    await promise;
  }

  /** The next logins are answered with HTTP 500, as those of an account that was made a moment ago (registries T25). */
  failNext(times: number): void {
    this.#failures = times;
  }

  /** No token is good any more. */
  expireAll(): void {
    this.#valid = new Set();
  }

  allows(headers: Readonly<Record<string, string>>): boolean {
    return this.#account === undefined || this.#valid.has(headers['accessToken'] ?? '');
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    void text(request).then((body) => this.#answer(request.url ?? '', new URLSearchParams(body), response));
  }

  #answer(path: string, form: URLSearchParams, response: ServerResponse): void {
    this.tried.push(path);
    const send = (status: number, message: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(message));
    };
    const paths =
      this.#version === '3.1'
        ? ['/nacos/v3/auth/user/login', '/nacos/v1/auth/users/login']
        : ['/nacos/v1/auth/users/login'];
    if (!paths.includes(path)) return send(404, { status: 404, error: 'Not Found' });
    const isRight = form.get('username') === this.#account?.username && form.get('password') === this.#account.password;
    if (this.#failures > 0 || !isRight) {
      this.#failures = Math.max(0, this.#failures - 1);
      return send(500, { status: 500, error: 'Internal Server Error' });
    }
    const accessToken = `token-${++this.#given}`;
    this.#valid.add(accessToken);
    this.#onGiven();
    send(200, { accessToken, tokenTtl: this.#account?.tokenTtl ?? 18_000, globalAdmin: true });
  }
}
