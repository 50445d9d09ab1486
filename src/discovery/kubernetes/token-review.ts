import { describeError } from '../../observe/log.ts';
import { ApiError, type ApiClient } from './api/api-client.ts';
import { isMapping } from './objects/object-rows.ts';

/** What an API server says of a token (istio-compat I31, kubernetes K93). */
export type ReviewedToken =
  | {
      readonly kind: 'known';
      readonly namespace: string;
      readonly serviceAccount: string;
      /** Uid of the pod that the token is bound to; undefined: to none. */
      readonly pod: string | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The server could not be asked (istio-compat I32). */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Milliseconds: whoever asks waits for it. */
const patience = 5_000;

/** @param audiences the token must be for one of them */
export async function reviewToken(
  client: ApiClient,
  token: string,
  audiences: readonly string[],
): Promise<ReviewedToken> {
  try {
    const { body } = await client.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
      headersTimeoutMs: patience,
    });
    return readReview(body, audiences);
  } catch (error) {
    const isForbidden = error instanceof ApiError && error.status === 403;
    const hint = isForbidden ? '; Weir needs create on tokenreviews.authentication.k8s.io' : '';
    return { kind: 'unavailable', reason: `${describeError(error)}${hint}` };
  }
}

function readReview(body: unknown, audiences: readonly string[]): ReviewedToken {
  const status = mapping(mapping(body)['status']);
  const user = mapping(status['user']);
  const { error } = status;
  if (typeof error === 'string' && error !== '') return refused(error);
  if (status['authenticated'] !== true) return refused('the API server does not know the token');
  // A server that does not know audiences names none, and then nothing says that the token is for Weir.
  if (!texts(status['audiences']).some((audience) => audiences.includes(audience))) {
    return refused(`the token is not for ${audiences.join(' or ')}`);
  }
  if (!texts(user['groups']).includes('system:serviceaccounts')) return refused('the token is of no service account');
  const [system, kind, namespace = '', serviceAccount = '', ...rest] = String(user['username']).split(':');
  const isAccount = system === 'system' && kind === 'serviceaccount' && rest.length === 0;
  if (!isAccount || namespace === '' || serviceAccount === '') return refused('the token is of no service account');
  const [pod] = texts(mapping(user['extra'])['authentication.kubernetes.io/pod-uid']);
  return { kind: 'known', namespace, serviceAccount, pod };
}

function refused(reason: string): ReviewedToken {
  return { kind: 'refused', reason };
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {};
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
