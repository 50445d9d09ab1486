import type { Fault } from '../../../model/routing.ts';
import type * as envoy from '../../envoy.ts';
import { milliseconds, percentOfMillion } from '../../envoy.ts';
import { pack } from '../../proto.ts';
import type { HttpFilter } from './http-filter.ts';

const typeName = 'envoy.extensions.filters.http.fault.v3.HTTPFault';

/** Delays and aborts requests where they start, at the client (policy A15). */
export const fault: HttpFilter = {
  name: 'envoy.filters.http.fault',
  listener: ({ direction }) => (direction === 'outbound' ? pack(typeName, {}) : undefined),
  route: (rule) => (rule.fault === undefined ? undefined : pack(typeName, httpFault(rule.fault))),
};

function httpFault({ delay, abort }: Fault): envoy.HTTPFault {
  return {
    delay: delay && { fixedDelay: milliseconds(delay.fixedMs), percentage: percentOfMillion(delay.percentage) },
    abort: abort && faultAbort(abort),
  };
}

function faultAbort(abort: NonNullable<Fault['abort']>): envoy.FaultAbort {
  const percentage = percentOfMillion(abort.percentage);
  return abort.kind === 'http' ? { httpStatus: abort.status, percentage } : { grpcStatus: abort.status, percentage };
}
