import type { Fault } from '../../../model/routing.ts';
import { quote } from './field-path.ts';
import { nearestName } from '../../../model/nearest-name.ts';
import type { Reading } from './reading.ts';
import type { HttpFaultSpec } from './schemas/virtual-service.ts';
import { atMostOne, decodeDuration, decodePercentage, inRange } from './values.ts';

type DelaySpec = NonNullable<HttpFaultSpec['delay']>;
type AbortSpec = NonNullable<HttpFaultSpec['abort']>;

/** Failures to inject (policy A15). */
export function decodeFault(spec: HttpFaultSpec | undefined, path: string, reading: Reading): Fault | undefined {
  if (spec === undefined) return undefined;
  if (spec.delay === undefined && spec.abort === undefined) {
    reading.error('WEIR1005', path, 'the fault has neither delay nor abort', 'add one of them, or remove the fault');
  }
  const delay = spec.delay && decodeDelay(spec.delay, `${path}.delay`, reading);
  const abort = spec.abort && decodeAbort(spec.abort, `${path}.abort`, reading);
  return delay === undefined && abort === undefined ? undefined : { delay, abort };
}

function decodeDelay(spec: DelaySpec, path: string, reading: Reading): Fault['delay'] {
  const { fixedDelay, exponentialDelay } = spec;
  atMostOne({ fixedDelay, exponentialDelay }, path, reading);
  if (exponentialDelay !== undefined) reading.notInForce(`${path}.exponentialDelay`, 'requests are not delayed by it');
  else if (fixedDelay === undefined) {
    reading.error('WEIR1005', `${path}.fixedDelay`, 'the delay does not say how long', 'add fixedDelay');
  }
  if (spec.percent !== undefined) reading.deprecated(`${path}.percent`, 'percentage.value');
  const legacy = inRange(spec.percent, [0, 100], `${path}.percent`, reading);
  const percentage = share(spec.percentage?.value ?? legacy, path, reading);
  const fixedMs = decodeDuration(fixedDelay, `${path}.fixedDelay`, reading);
  return fixedMs === undefined ? undefined : { fixedMs, percentage };
}

function decodeAbort(spec: AbortSpec, path: string, reading: Reading): Fault['abort'] {
  const { httpStatus, grpcStatus, http2Error } = spec;
  const percentage = share(spec.percentage?.value, path, reading);
  if (atMostOne({ httpStatus, grpcStatus, http2Error }, path, reading) === 0) {
    reading.warn(
      'WEIR1021',
      path,
      'the abort does not say with which status, so that it does nothing',
      'add httpStatus or grpcStatus',
    );
  }
  if (http2Error !== undefined) reading.notInForce(`${path}.http2Error`, 'requests are not aborted by it');
  if (httpStatus !== undefined) {
    const status = inRange(httpStatus, [200, 599], `${path}.httpStatus`, reading);
    return status === undefined ? undefined : { kind: 'http', status, percentage };
  }
  const status = grpcStatus === undefined ? undefined : grpcCode(grpcStatus, `${path}.grpcStatus`, reading);
  return status === undefined ? undefined : { kind: 'grpc', status, percentage };
}

/** Without a percentage a fault does nothing (policy A15, P410). */
function share(percentage: number | undefined, path: string, reading: Reading): number {
  if (percentage === undefined) {
    const message = 'the fault has no percentage, so that it concerns no request';
    reading.warn('WEIR1113', path, message, 'add percentage: { value: 100 } for all requests');
    return 0;
  }
  return decodePercentage(percentage, `${path}.percentage.value`, reading) ?? 0;
}

/** By position: the number of each status. */
const grpcStatuses: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

function grpcCode(status: string, path: string, reading: Reading): number | undefined {
  const code = grpcStatuses.indexOf(status);
  if (code >= 0) return code;
  const near = nearestName(status, grpcStatuses);
  const advice = near === undefined ? 'use a name such as UNAVAILABLE or NOT_FOUND' : `did you mean ${near}?`;
  reading.error('WEIR1003', path, `${quote(status)} is no status of gRPC`, advice);
  return undefined;
}
