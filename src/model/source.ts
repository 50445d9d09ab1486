import { titleOf, type ObjectReference } from './provenance.ts';

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
  /** Sources that follow each kind of objects by itself: how that goes. */
  readonly kinds?: readonly SourceKind[];
}

/** One kind of objects of a source. */
export interface SourceKind {
  /** `group/Kind`; the core group is written as the bare kind. */
  readonly kind: string;
  /** undefined: all namespaces. */
  readonly namespace?: string;
  /** `absent`: the source has no such kind; `forbidden`: it does not let Weir read it. */
  readonly state: 'unknown' | 'absent' | 'forbidden' | 'following' | 'stale';
  readonly reason?: string;
  /** In all namespaces that are followed. */
  readonly objects: number;
}

/** Input that could not become an object: broken YAML, an unknown kind, an object that does not decode. Keyed by `key`. */
export interface SourceProblem {
  /** Unique and stable while the problem lasts, for example `mesh/a.yaml#3` or `kubernetes Service shop/web`. */
  readonly key: string;
  readonly source: string;
  readonly place: ProblemPlace;
  readonly code: string;
  /** Of the field; empty for the whole. */
  readonly path: string;
  readonly message: string;
  readonly advice: string;
  /** Whether the last good version of the object is still in force. */
  readonly keptLastGood: boolean;
}

/** What a problem is about. */
export type ProblemPlace =
  /** `document` and `line` are 1-based. */
  | { readonly kind: 'document'; readonly file: string; readonly document: number; readonly line: number }
  | { readonly kind: 'object'; readonly object: ObjectReference }
  /** A whole kind of objects on a server, for example `pods` or `virtualservices.networking.istio.io`. */
  | { readonly kind: 'resource'; readonly resource: string };

/** The document, object or resource as text, the same for all its problems: `mesh/a.yaml#3`, `Service shop/web`, `pods`. */
export function placeText(place: ProblemPlace): string {
  switch (place.kind) {
    case 'document':
      return `${place.file}#${place.document}`;
    case 'object':
      return titleOf(place.object);
    case 'resource':
      return place.resource;
  }
}
