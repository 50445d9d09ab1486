/** One API server, and how to ask it. Everything that talks to Kubernetes (reflectors, status, leases, webhooks) does it by this. */
export interface ApiClient {
  /** URL of the server, for people. */
  readonly server: string;
  /**
   * Sends a request and reads the whole answer.
   *
   * @throws ApiError for every answer that is not 2xx, and where there is none; the signal's reason when it is aborted
   */
  request(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse>;
  /**
   * Opens an answer that does not end, and settles once its status is known to be 2xx. The lines come without their line break; the last one
   * only if it was ended by one. A line is a buffer of its own: nothing of the connection's memory is kept alive by it.
   *
   * @throws ApiError when it is refused; the iteration throws ApiError when the connection breaks
   */
  lines(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** Ends every request and connection. */
  close(): void;
}

export interface ApiRequest {
  /** Default: `GET`. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without a query, for example `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: `application/json`. Server-side apply: `application/apply-patch+yaml`, of which JSON is a part. */
  readonly contentType?: string;
  /** Default: `application/json`. */
  readonly accept?: string;
  /** Milliseconds until an answer must have begun. Default: 30,000 (K8). */
  readonly headersTimeoutMs?: number;
}

export interface ApiResponse {
  readonly status: number;
  /** Parsed JSON. */
  readonly body: unknown;
}

export type ApiFailure =
  /** The server answered, with something else than 2xx. */
  | 'refused'
  /** No connection, or none that is trusted: the server has not seen the request. */
  | 'unreachable'
  /** No answer in time. The server may have acted on the request. */
  | 'timeout'
  /** The connection broke before the answer was complete. The server may have acted on the request. */
  | 'broken'
  /** The answer is no JSON. */
  | 'malformed'
  /** There are no credentials, or they cannot be read. */
  | 'credentials';

/** Why a request came to nothing. */
export class ApiError extends Error {
  readonly failure: ApiFailure;
  /** HTTP status, or the code of an ERROR event; undefined without an answer. */
  readonly status: number | undefined;
  /** `reason` of the answer's Status object, for example `Expired`; empty without one. */
  readonly reason: string;
  /** Causes of the Status object, for example `ResourceVersionTooLarge`. */
  readonly causes: readonly string[];
  /** Milliseconds that the server asks to be left alone (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: ApiFailure,
    message: string,
    details: {
      readonly status?: number;
      readonly reason?: string;
      readonly causes?: readonly string[];
      readonly retryAfterMs?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'ApiError';
    this.failure = failure;
    this.status = details.status;
    this.reason = details.reason ?? '';
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}
