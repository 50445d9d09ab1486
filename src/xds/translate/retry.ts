import type { Retries } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { pack } from '../proto.ts';

/** What is retried when nobody said otherwise: only what surely did not reach the application (policy A12). */
const defaultConditions = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

const defaultRetries: Retries = {
  attempts: 2,
  perTryTimeoutMs: undefined,
  on: undefined,
  statusCodes: [],
  backOffMs: undefined,
  remoteLocalities: false,
  ignorePreviousHosts: true,
};

/**
 * The retry policy of a route (policy A12, A13).
 *
 * @param asked undefined: two retries of what is safe to retry
 * @param hashed the cluster is picked from by hash, so that a retry belongs to the same endpoint
 * @returns undefined: no retries
 */
export function retryPolicy(asked: Retries | undefined, hashed: boolean): envoy.RetryPolicy | undefined {
  const retries = asked ?? defaultRetries;
  if (retries.attempts === 0) return undefined;
  return {
    retryOn: conditions(retries),
    numRetries: { value: retries.attempts },
    retriableStatusCodes: retries.statusCodes,
    perTryTimeout: retries.perTryTimeoutMs === undefined ? undefined : milliseconds(retries.perTryTimeoutMs),
    retryBackOff: retries.backOffMs === undefined ? undefined : { baseInterval: milliseconds(retries.backOffMs) },
    retryPriority: retries.remoteLocalities ? otherPriorities() : undefined,
    retryHostPredicate: retries.ignorePreviousHosts && !hashed ? [otherHosts()] : [],
    hostSelectionRetryMaxAttempts: 5,
  };
}

/** What the server's proxy retries by itself: requests that its application had not begun to read (policy P324). */
export const inboundRetryPolicy: envoy.RetryPolicy = { retryOn: 'reset-before-request', numRetries: { value: 2 } };

function conditions({ on, statusCodes }: Retries): string {
  const asked = on === undefined || on === '' ? (statusCodes.length > 0 ? '' : defaultConditions) : on;
  const byCode = 'retriable-status-codes';
  if (statusCodes.length === 0 || asked.split(',').includes(byCode)) return asked;
  return asked === '' ? byCode : `${asked},${byCode}`;
}

function otherHosts(): envoy.RetryPolicy_RetryHostPredicate {
  return {
    name: 'envoy.retry_host_predicates.previous_hosts',
    typedConfig: pack('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
  };
}

function otherPriorities(): envoy.RetryPolicy_RetryPriority {
  return {
    name: 'envoy.retry_priorities.previous_priorities',
    typedConfig: pack('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
      updateFrequency: 2,
    }),
  };
}
