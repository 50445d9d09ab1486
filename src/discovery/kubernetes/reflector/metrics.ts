/** What a reflector has done and where it stands (K24). Counters never go back while it lives. */
export interface ReflectorMetrics {
  /** The last that was seen; undefined: nothing was seen yet. Opaque: equal or not. */
  readonly resourceVersion: string | undefined;
  /** Milliseconds since the server was last heard of this kind: an event, a bookmark or a list; undefined: never. */
  readonly silenceMs: number | undefined;
  /** Objects that are kept. */
  readonly objects: number;
  /** Changes that the handler has not heard of yet. */
  readonly undelivered: number;
  /** Complete sets that were received, in a list or at the beginning of a watch. */
  readonly lists: number;
  /** Watches that were accepted. */
  readonly watches: number;
  /** Watches that ended within a second. */
  readonly shortWatches: number;
  /** Watches that were left because nothing came. */
  readonly stalls: number;
  /** Times that the server no longer knew, or did not yet know, the version to go on from (410, or 504 with its cause). */
  readonly expired: number;
  /** Lists and watches that failed, for whatever reason. */
  readonly failures: number;
  /** Lines that were no event, and answers that were no list. */
  readonly parseErrors: number;
  /** Exceptions of the handler. */
  readonly handlerErrors: number;
  /** Objects that could not be trimmed. */
  readonly trimErrors: number;
  /** Received by watches. */
  readonly bytes: number;
  /** Spent in parsing and trimming what watches sent. */
  readonly parseMs: number;
  /** Objects that differed from the server's without any event having said so: should be 0 for ever (K20). */
  readonly drift: number;
}

export type ReflectorCounters = {
  -readonly [
    Name in Exclude<keyof ReflectorMetrics, 'resourceVersion' | 'silenceMs' | 'objects' | 'undelivered'>
  ]: number;
};

export function newCounters(): ReflectorCounters {
  return {
    lists: 0,
    watches: 0,
    shortWatches: 0,
    stalls: 0,
    expired: 0,
    failures: 0,
    parseErrors: 0,
    handlerErrors: 0,
    trimErrors: 0,
    bytes: 0,
    parseMs: 0,
    drift: 0,
  };
}
