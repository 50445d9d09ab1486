/** What is known of a source, and how fresh it is. Unknown is not empty. */

export type Freshness =
  /** Has not completed its first synchronisation: contributes nothing, and nothing may be concluded from that. */
  | 'unknown'
  /** Follows its origin. */
  | 'synced'
  /** Lost its origin; the rows are the last good ones. */
  | 'stale';

export interface Source {
  readonly name: string;
  readonly kind: 'files' | 'kubernetes' | 'nacos' | 'zookeeper' | 'mcp';
  /** What the source reads, for people: directories, a server's address. */
  readonly target: string;
  readonly freshness: Freshness;
  /** Why it is not synced; undefined when it is. */
  readonly reason?: string;
  /** Milliseconds since 1970 of the last change of `freshness`. */
  readonly since: number;
  readonly objects: number;
}

/** Input that could not become an object: broken YAML, a half-written file, an unknown kind. Keyed by `key`. */
export interface SourceProblem {
  /** Unique and stable while the problem lasts, for example `mesh/a.yaml#3`. */
  readonly key: string;
  readonly source: string;
  readonly code: string;
  readonly file: string;
  readonly document: number;
  /** 1-based. */
  readonly line: number;
  readonly path: string;
  readonly message: string;
  readonly advice: string;
  /** Whether the last good version of the object is still in force. */
  readonly keptLastGood: boolean;
}
