import type { Gates } from './gates.ts';
import { deadlines } from './order.ts';
import type { Subscription } from './subscription.ts';

/** The next moment at which time alone lets something of a stream through, in milliseconds of the monotonic clock; or infinity. */
export function nextMoment(subscriptions: readonly Subscription[], gates: Gates, now: number): number {
  let next = Infinity;
  let hasWork = false;
  for (const subscription of subscriptions) {
    if (!subscription.started) continue;
    const at = subscription.nextMoment(now);
    if (at > now && at < next) next = at;
    hasWork ||= subscription.hasWork;
  }
  if (hasWork) for (const at of gates.moments()) if (at > now && at < next) next = at;
  return next;
}

/** Of each type the response that has waited for its ACK too long (xds-protocol X69). */
export function* overdueResponses(
  subscriptions: readonly Subscription[],
  now: number,
): Generator<{ readonly type: string; readonly nonce: string }, void> {
  for (const { type, deliveries } of subscriptions) {
    const oldest = deliveries.outstanding[0];
    if (oldest !== undefined && now >= oldest.sentAt + deadlines.overdue)
      yield { type: type.name, nonce: oldest.nonce };
  }
}
