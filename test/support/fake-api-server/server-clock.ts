/** The server's time: a parameter, so that a test can let hours pass for both ends of a connection. */
export interface ServerClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after so many milliseconds. Gives the function that prevents it. */
  after(milliseconds: number, callback: () => void): () => void;
}

export const timeOfTheMachine: ServerClock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
