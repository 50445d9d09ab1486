import type { Authenticator, Caller, Credentials } from './caller.ts';

/** Who calls, as all authenticators together have found out. */
export type Verdict =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** Nobody who is known. The reason is for the log: the caller hears none. */
  | { readonly kind: 'unauthenticated'; readonly cause: 'none' | 'refused'; readonly reason: string }
  /** It could not be found out (istio-compat I32): the caller may try again. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Asks one authenticator after the other; the first who knows the caller decides (istio-compat I29). */
export async function authenticate(
  authenticators: readonly Authenticator[],
  credentials: Credentials,
  now: number,
): Promise<Verdict> {
  const refusals: string[] = [];
  let unavailable: string | undefined;
  for (const authenticator of authenticators) {
    const answer = await answerOf(authenticator, credentials);
    switch (answer.kind) {
      case 'caller':
        // A credential that has just ended is none, whoever vouched for it.
        if (answer.caller.expiresAt > now) return answer;
        refusals.push(`${authenticator.name}: it has expired`);
        break;
      case 'refused':
        refusals.push(`${authenticator.name}: ${answer.reason}`);
        break;
      case 'unavailable':
        unavailable ??= `${authenticator.name}: ${answer.reason}`;
        break;
      case 'absent':
    }
  }
  if (unavailable !== undefined) return { kind: 'unavailable', reason: unavailable };
  if (refusals.length > 0) return { kind: 'unauthenticated', cause: 'refused', reason: refusals.join('; ') };
  return { kind: 'unauthenticated', cause: 'none', reason: 'no credential was shown' };
}

/** A fault of an authenticator is no credential. */
async function answerOf(authenticator: Authenticator, credentials: Credentials) {
  try {
    return await authenticator.authenticate(credentials);
  } catch (error) {
    return { kind: 'unavailable', reason: String(error) } as const;
  }
}

/** @param authorization value of that header @returns undefined: there is none of a form that is taken */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/=-]{1,16384})$/i.exec(authorization ?? '')?.[1];
}
