/** Who is asked by policies that consult (policy P143, Z18): an entry of the mesh settings. */
export interface AuthorizationProvider {
  readonly name: string;
  /** Full name of a service, and its port. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Calls are let through when it does not answer. */
  readonly failsOpen: boolean;
  /** Status of the answer to the caller when it does not answer. */
  readonly statusOnError: number | undefined;
  readonly requestBody: CheckedBody | undefined;
  /** The route is chosen again, by the headers that it added. */
  readonly clearsRouteCache: boolean;
  readonly protocol: { readonly kind: 'grpc' } | HttpCheck;
}

/** How much of a request's body it is shown. */
export interface CheckedBody {
  readonly maximumBytes: number;
  readonly allowsPart: boolean;
  readonly asBytes: boolean;
}

/** It gets a copy of the request's head; an answer of 200 lets the request through. Names may end or begin with `*`. */
export interface HttpCheck {
  readonly kind: 'http';
  readonly pathPrefix: string;
  readonly requestHeaders: readonly string[];
  readonly addedHeaders: readonly (readonly [name: string, value: string])[];
  readonly headersToApplication: readonly string[];
  readonly headersToCallerOnRefusal: readonly string[];
  readonly headersToCallerOnSuccess: readonly string[];
}
