import type { Fault } from './faults.ts';
import { reasonOf, Refusal } from './refusal.ts';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';

/** Where the bytes of an answer go. */
export interface Outlet {
  write(bytes: Buffer): void;
  /** The answer is complete. */
  end(): void;
  /** The connection breaks, after what was written has been sent. */
  reset(): void;
}

/** Puts a fault between an answer and the network. */
export function faultyOutlet(outlet: Outlet, fault: Fault | undefined, clock: TimedClock): Outlet {
  switch (fault?.kind) {
    case undefined:
    case 'status':
    case 'body':
    case 'no-headers':
      return outlet;
    case 'pieces':
      return slowOutlet(outlet, fault.bytes, (next) => void setImmediate(next));
    case 'drip':
      return slowOutlet(outlet, fault.bytes, (next) => void clock.after(fault.everyMs, next));
    case 'line':
      return interruptedOutlet(outlet, fault.afterLines, () => {
        outlet.write(Buffer.from(`${fault.text}\n`));
        return 'goes on';
      });
    case 'error-event':
      return interruptedOutlet(outlet, fault.afterLines, () => {
        const { code, reason = reasonOf(code), message = 'scripted' } = fault;
        const event = { type: 'ERROR', object: new Refusal(code, reason, message).status() };
        outlet.write(Buffer.from(`${JSON.stringify(event)}\n`));
        outlet.end();
        return 'is over';
      });
    case 'close':
      return interruptedOutlet(outlet, fault.afterLines, () => {
        outlet.end();
        return 'is over';
      });
    case 'silence':
      return interruptedOutlet(outlet, fault.afterLines, () => 'is over');
    case 'reset':
      return brokenOutlet(outlet, fault.afterLines ?? 0, fault.bytes ?? 0);
  }
}

/** Something happens after some lines: at once after none, else together with the last of them. */
function interruptedOutlet(outlet: Outlet, afterLines = 0, interrupt: () => 'goes on' | 'is over'): Outlet {
  let lines = 0;
  let isOver = afterLines === 0 && interrupt() === 'is over';
  return {
    write(bytes) {
      if (isOver) return;
      outlet.write(bytes);
      lines += 1;
      if (lines === afterLines) isOver = interrupt() === 'is over';
    },
    end() {
      if (!isOver) outlet.end();
    },
    reset: () => outlet.reset(),
  };
}

function brokenOutlet(outlet: Outlet, afterLines: number, bytes: number): Outlet {
  let lines = 0;
  let isOver = false;
  const breakOff = (): void => {
    isOver = true;
    outlet.reset();
  };
  if (afterLines === 0 && bytes === 0) breakOff();
  return {
    write(line) {
      if (isOver) return;
      if (lines === afterLines) {
        outlet.write(line.subarray(0, bytes));
        breakOff();
        return;
      }
      outlet.write(line);
      lines += 1;
      if (lines === afterLines && bytes === 0) breakOff();
    },
    end() {
      if (!isOver) outlet.end();
    },
    reset: () => outlet.reset(),
  };
}

function slowOutlet(outlet: Outlet, size: number, pause: (next: () => void) => void): Outlet {
  const pieces: Buffer[] = [];
  let isWaiting = false;
  let isComplete = false;
  const step = (): void => {
    isWaiting = false;
    const piece = pieces.shift();
    if (piece !== undefined) outlet.write(piece);
    if (pieces.length > 0) wait();
    else if (isComplete) outlet.end();
  };
  const wait = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    pause(step);
  };
  return {
    write(bytes) {
      for (let start = 0; start < bytes.length; start += size) pieces.push(bytes.subarray(start, start + size));
      wait();
    },
    end() {
      isComplete = true;
      wait();
    },
    reset: () => outlet.reset(),
  };
}
