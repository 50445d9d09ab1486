import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { createApiClient } from '../../../src/discovery/kubernetes/api/create-api-client.ts';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { realTimedClock } from '../timed-clocks.ts';

/** Weir's own client, with a token. */
export function createTestClient(
  server: string,
  { ca, token }: { readonly ca: string | undefined; readonly token: string },
  clock: TimedClock = realTimedClock,
): ApiClient {
  const authorities = ca === undefined ? {} : { authorities: { kind: 'text', text: ca } as const };
  const cluster = { server, ...authorities, credentials: { kind: 'token', token } as const };
  return createApiClient(cluster, { clock, userAgent: 'weir/test', variables: {} });
}
