/** Time with alarms, as the authority knows it. */
export interface AuthorityClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds of a clock that nobody sets. */
  monotonic(): number;
  /** Calls back once after so many milliseconds. Gives the function that prevents it. */
  after(milliseconds: number, callback: () => void): () => void;
}
