/** Where things come from. Every row and every resource can say which object of which source caused it. */

/** The place of an object in its source. */
export interface Origin {
  /** Name of the source, for example `files` or `kubernetes`. */
  readonly source: string;
  /** File sources: path of the file, as the user gave it. */
  readonly file?: string;
  /** File sources: 1-based number of the YAML document in the file. */
  readonly document?: number;
  /** File sources: 1-based line on which the document starts. */
  readonly line?: number;
}

/** An object of a source: what a message to its author names. */
export interface ObjectReference {
  /** `group/Kind`; the core group is written as the bare kind, for example `Service`. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation?: number;
  readonly origin: Origin;
}

/** `VirtualService shop/web`, `Node worker-1`: an object in a message. */
export function titleOf({ kind, namespace, name }: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>): string {
  return `${kind.slice(kind.lastIndexOf('/') + 1)} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** An object and the field of it that matters, for example `spec.http[0].route[1].weight`. */
export interface Provenance extends ObjectReference {
  readonly path?: string;
}

/** Something wrong with an object, said to the person who wrote it. */
export interface Violation {
  /** `error`: the object, or the named part of it, is not in force. `warning`: in force, but probably not as meant. */
  readonly severity: 'error' | 'warning';
  /** Code from the catalogue in `docs/errors.md`, for example `WEIR1003`. */
  readonly code: string;
  /** Path of the field, for example `spec.http[0].route[1].weight`; empty for the object as a whole. */
  readonly path: string;
  /** What is wrong, in a sentence without a full stop. */
  readonly message: string;
  /** What to do about it, in a sentence without a full stop. */
  readonly advice: string;
}

/** A violation together with the object that it is about. */
export interface Finding extends Violation {
  readonly object: ObjectReference;
}
