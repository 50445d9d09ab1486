/** Why a request is no gRPC call that is served, and how that is said (hot-path H705). */
export type Refusal =
  /** By HTTP alone: whoever asks speaks no gRPC. */
  | { readonly kind: 'http'; readonly status: 405 | 415 }
  /** UNIMPLEMENTED, with what compression is taken instead: none. */
  | { readonly kind: 'encoding'; readonly message: string };

export interface CallHeaders {
  readonly method: string;
  readonly contentType: string;
  readonly encoding: string;
}

/** @returns undefined: it is one */
export function refusalOf({ method, contentType, encoding }: CallHeaders): Refusal | undefined {
  if (method !== 'POST') return { kind: 'http', status: 405 };
  if (!/^application\/grpc(?![\w-])/.test(contentType)) return { kind: 'http', status: 415 };
  if (encoding === 'identity') return undefined;
  return { kind: 'encoding', message: `messages may not be compressed by ${encoding}` };
}
