import type { Log } from '../../../observe/log.ts';
import { pause, type TimedClock } from '../../kubernetes/api/timed-clock.ts';
import { Backoff } from '../../kubernetes/reflector/backoff.ts';
import type { NacosCredentials } from './credentials.ts';
import { exchange, type ReadTls } from './http-exchange.ts';
import { numberField, readMessage, textField } from './json-message.ts';
import { NacosError } from './nacos-error.ts';
import { serverText, ServerTurns, type NacosServer } from './servers.ts';

export interface LoginOptions {
  /** Where logins are answered, by HTTP. */
  readonly servers: readonly NacosServer[];
  readonly tls: ReadTls | undefined;
  /** Before the paths of the API, for example `/nacos`. */
  readonly contextPath: string;
  /** Asked before each login: a file may hold another password by then. */
  readonly account: () => Promise<NacosAccount>;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

export interface NacosAccount {
  readonly username: string;
  readonly password: string;
}

/** Paths of the login, newest first: each server has one or both (registries N24, T25). */
const paths = ['/v3/auth/user/login', '/v1/auth/users/login'] as const;
/** Name and password of an account that nobody has set up. */
const defaultWord = 'nacos';
const absent: ReadonlySet<number> = new Set([404, 501]);
/** What Java's client assumes where the answer does not say it. */
const usualSeconds = 18_000;
/** Alarms reach 24 days. */
const longestSeconds = 86_400;
/** After a refusal of the token, at most so often (registries N24). */
const againMs = 60_000;
const longestWaitMs = 10_000;

/** Logs in with a name and a password, and again before the token expires or when a server refuses it (registries N24). */
export class Login implements NacosCredentials {
  readonly #options: LoginOptions;
  readonly #servers: ServerTurns;
  #token: string | undefined;
  #attempt = newAttempt();
  #loggedInAt = -Infinity;
  #renew = new AbortController();

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#servers = new ServerTurns(options.servers, options.random);
  }

  headers(): Readonly<Record<string, string>> {
    return this.#token === undefined ? {} : { accessToken: this.#token };
  }

  async ready(signal: AbortSignal): Promise<void> {
    if (this.#token !== undefined) return;
    const ended = Promise.withResolvers<never>();
    const end = (): void => ended.reject(new NacosError('unreachable', 'nobody waits for the login any more'));
    signal.addEventListener('abort', end);
    try {
      signal.throwIfAborted();
      await Promise.race([this.#attempt.promise, ended.promise]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  refused(): void {
    if (this.#options.clock.monotonic() - this.#loggedInAt >= againMs) this.#renew.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    const backoff = new Backoff(() => clock.monotonic(), random, longestWaitMs);
    while (!signal.aborted) {
      try {
        const seconds = await this.#logIn(signal);
        this.#renew = new AbortController();
        // A tenth to a fifteenth before it expires (registries N24).
        const share = 1 - 1 / (10 + 5 * random());
        await pause(clock, seconds * 1000 * share, AbortSignal.any([signal, this.#renew.signal]));
      } catch (error) {
        if (signal.aborted) return;
        log.debug('a login at Nacos failed', { error });
        this.#attempt.reject(error);
        this.#attempt = newAttempt();
        await pause(clock, backoff.next(), signal);
      }
    }
  }

  /** @returns seconds for which the token is valid */
  async #logIn(signal: AbortSignal): Promise<number> {
    const server = this.#servers.next();
    const { username, password } = await this.#options.account();
    // Anybody can take the identity of somebody with a well-known password (reliability S31).
    if (username === defaultWord && password === defaultWord) {
      throw new NacosError(
        'forbidden',
        `the account ${username} has the password that every Nacos comes with: change it`,
      );
    }
    const tls = await this.#options.tls?.();
    for (const path of paths) {
      const { contextPath } = this.#options;
      const whole = `${contextPath}${path}`;
      const { status, text } = await exchange(
        { server, tls, method: 'POST', path: whole, form: { username, password } },
        signal,
      );
      if (absent.has(status)) continue;
      // A wrong password is answered by 500, too, and so is an account that was made a moment ago (registries T25).
      if (status !== 200) {
        const message = `${serverText(server)} refuses the login of ${username} (HTTP ${status})`;
        throw new NacosError('forbidden', message, { code: status });
      }
      return this.#take(text, server);
    }
    const message = `${serverText(server)} has no login below ${this.#options.contextPath || '/'}`;
    throw new NacosError('unsupported', message);
  }

  #take(text: string, server: NacosServer): number {
    const answer = readMessage(Buffer.from(text));
    const token = textField(answer, 'accessToken');
    if (token === undefined || token === '') {
      throw new NacosError('malformed', `${serverText(server)} answers a login without an accessToken`);
    }
    this.#token = token;
    this.#loggedInAt = this.#options.clock.monotonic();
    this.#attempt.resolve();
    const seconds = numberField(answer, 'tokenTtl');
    return seconds === undefined || !(seconds > 0) ? usualSeconds : Math.min(seconds, longestSeconds);
  }
}

/** Nobody has to wait for it. */
function newAttempt(): PromiseWithResolvers<void> {
  const attempt = Promise.withResolvers<void>();
  attempt.promise.catch(() => undefined);
  return attempt;
}
