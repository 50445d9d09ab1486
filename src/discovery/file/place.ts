import { configKey } from '../../model/keys.ts';
import type { ObjectReference } from '../../model/provenance.ts';
import { placeOfDocument } from './file-reading.ts';
import type { Holdings } from './holdings.ts';
import { lineOfObjectField } from './problems.ts';
import type { TrackedFile } from './tracked-file.ts';

/** Where something stands, for a message to its author. */
export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly document: number;
  /** 1-based. */
  readonly line: number;
}

/** Where a field of an object stands in the files as they were last read; what its row says when no document describes it now. */
export function placeOfField(
  reference: ObjectReference,
  path: string,
  holdings: Holdings,
  files: ReadonlyMap<string, TrackedFile>,
): Place | undefined {
  const { kind, namespace, name, origin } = reference;
  const claim = holdings.winnerOf(configKey(kind, namespace, name));
  const file = claim === undefined ? undefined : files.get(claim.file.path);
  const document = claim === undefined || file === undefined ? undefined : placeOfDocument(file.reading, claim.content);
  if (claim === undefined || file === undefined || document === undefined) {
    if (origin.file === undefined) return undefined;
    return { file: origin.file, document: origin.document ?? 1, line: origin.line ?? 1 };
  }
  const isWhole = path === '' && claim.object.path === '';
  const line = isWhole ? document.line : lineOfObjectField(document, claim.object, path);
  return { file: file.path, document: document.number, line };
}
