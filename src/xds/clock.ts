/** Time as the server knows it: a parameter, so that deadlines can be tested without waiting for them. */
export interface Clock {
  /** Milliseconds of a monotonic clock; the one by which causes of commits are dated (`performance.now()`). */
  now(): number;
  /** Milliseconds since 1970, for people. */
  wallTime(): number;
  /** Calls back once after so many milliseconds. Gives the function that prevents it. */
  after(milliseconds: number, callback: () => void): () => void;
  /** Calls back as soon as what is being read from the network has been read (`setImmediate`). */
  soon(callback: () => void): void;
}
