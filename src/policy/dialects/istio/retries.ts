import type { Retries } from '../../../model/routing.ts';
import { quote } from './field-path.ts';
import { nearestName } from '../../../model/nearest-name.ts';
import type { Reading } from './reading.ts';
import type { HttpRetrySpec } from './schemas/virtual-service.ts';
import { decodeDuration } from './values.ts';

/** Conditions that Envoy knows for HTTP and gRPC; it ignores others without a word. */
const conditions: readonly string[] = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
];

/** @returns undefined: the mesh's default (policy A12, A13) */
export function decodeRetries(spec: HttpRetrySpec | undefined, path: string, reading: Reading): Retries | undefined {
  if (spec === undefined) return undefined;
  const attempts = spec.attempts ?? 0;
  if (attempts < 0) {
    reading.error('WEIR1004', `${path}.attempts`, 'the number of attempts is negative', 'use 0 to switch retries off');
  }
  const { perTryTimeout, retryOn, backoff, retryRemoteLocalities, retryIgnorePreviousHosts } = spec;
  const others = { perTryTimeout, retryOn, backoff, retryRemoteLocalities, retryIgnorePreviousHosts };
  if (attempts === 0 && Object.values(others).some((value) => value !== undefined && value !== '')) {
    const message = 'retries are switched off, since attempts is zero or absent, but configured otherwise';
    reading.error('WEIR1005', `${path}.attempts`, message, 'set attempts, or remove the other fields');
  }
  return {
    attempts: Math.max(0, attempts),
    perTryTimeoutMs: decodeDuration(perTryTimeout, `${path}.perTryTimeout`, reading),
    ...decodeConditions(retryOn ?? '', `${path}.retryOn`, reading),
    backOffMs: decodeDuration(backoff, `${path}.backoff`, reading),
    remoteLocalities: retryRemoteLocalities ?? false,
    ignorePreviousHosts: retryIgnorePreviousHosts ?? true,
  };
}

const byStatusCode = 'retriable-status-codes';

/** Words and status codes, separated by commas; codes imply the word without which proxies do not look at them. */
function decodeConditions(retryOn: string, path: string, reading: Reading): Pick<Retries, 'on' | 'statusCodes'> {
  const parts = retryOn
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const statusCodes: number[] = [];
  const on: string[] = [];
  for (const part of parts) {
    if (/^\d+$/.test(part)) statusCodes.push(statusCode(part, path, reading));
    else on.push(condition(part, path, reading));
  }
  if (statusCodes.length > 0 && !on.includes(byStatusCode)) on.push(byStatusCode);
  return { on: on.length === 0 ? undefined : on.join(','), statusCodes };
}

function statusCode(text: string, path: string, reading: Reading): number {
  const code = Number(text);
  if (code < 100 || code > 599) {
    reading.error('WEIR1107', path, `${quote(text)} is no status code`, 'use codes from 100 to 599');
  }
  return code;
}

function condition(word: string, path: string, reading: Reading): string {
  if (conditions.includes(word)) return word;
  const near = nearestName(word, conditions);
  const advice = near === undefined ? `use ${conditions.join(', ')} or status codes` : `did you mean ${near}?`;
  reading.error('WEIR1107', path, `${quote(word)} is no retry condition`, advice);
  return word;
}
