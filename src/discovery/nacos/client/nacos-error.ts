/** Why a request to Nacos came to nothing. */
export type NacosFailure =
  /** No connection: nothing was asked. */
  | 'unreachable'
  /** No answer in time. */
  | 'silent'
  /** The server does not know this connection (301): it has to be made anew, and everything on it. */
  | 'unregistered'
  /** The server is starting (300), or asks for less (503). */
  | 'busy'
  /** The server's answer to who asks: 403, or a login that was refused. */
  | 'forbidden'
  /** The server has no such request (302), or what answers is no Nacos. */
  | 'unsupported'
  /** An answer that is none of the above. */
  | 'refused'
  /** An answer that cannot be read. */
  | 'malformed';

/** Nacos' own codes, in the answers that carry one (registries N17.16). */
export const errorCodes = {
  starting: 300,
  unregistered: 301,
  noHandler: 302,
  forbidden: 403,
  overThreshold: 503,
  tooManyPatterns: 50_310,
  tooManyMatches: 50_311,
} as const;

export interface NacosErrorOptions {
  readonly cause?: unknown;
  /** Nacos' own code. */
  readonly code?: number;
}

export class NacosError extends Error {
  override readonly name = 'NacosError';
  readonly failure: NacosFailure;
  readonly code: number | undefined;

  constructor(failure: NacosFailure, message: string, options: NacosErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.failure = failure;
    this.code = options.code;
  }
}

/** @param code as the answer says it; 0 or undefined: it says none */
export function failureOfCode(code: number | undefined): NacosFailure {
  switch (code) {
    case errorCodes.starting:
    case errorCodes.overThreshold:
      return 'busy';
    case errorCodes.unregistered:
      return 'unregistered';
    case errorCodes.noHandler:
      return 'unsupported';
    case errorCodes.forbidden:
      return 'forbidden';
    default:
      return 'refused';
  }
}
