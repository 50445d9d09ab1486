import type { TimedClock } from '../discovery/kubernetes/api/timed-clock.ts';
import type { Clock as SourceClock } from '../discovery/registry.ts';
import type { Clock as ServerClock } from '../xds/clock.ts';
import type { Pacing } from '../xds/flush-queue.ts';

/** The clocks of the machine, in the forms in which the rooms want them. */

export const sourceClock: SourceClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

export const serverClock: ServerClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  soon: (callback) => {
    setImmediate(callback);
  },
};

export const timedClock: TimedClock = {
  ...sourceClock,
  after: (milliseconds, callback) => serverClock.after(milliseconds, callback),
};

/** How changes are gathered for the proxies: for 10 ms, and for up to 40 ms while the event loop is busy (hot-path H602, decision 13). */
export function systemPacing(): Pacing {
  return { shortestWindow: 10, longestWindow: 40, busyShare: busyShare() };
}

/** Gives a function that tells in which share of the time since it was last called the event loop was busy, from 0 to 1. */
export function busyShare(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

/** A moment of the server's clock, in milliseconds since 1970. */
export function wallTimeAt(at: number): number {
  return Math.round(at + Date.now() - performance.now());
}
