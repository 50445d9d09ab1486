/** Time, as those who write to an API server need it. */
export interface WriterClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment, never going back. */
  monotonic(): number;
  /** Settles when the time is over, or at once when the signal is aborted; never throws. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
}
