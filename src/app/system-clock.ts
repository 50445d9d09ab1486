import type { Clock as SourceClock } from '../discovery/registry.ts';
import type { Clock as ServerClock } from '../xds/clock.ts';

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
