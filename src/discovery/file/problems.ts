import { placeText, type SourceProblem } from '../../model/source.ts';
import type { EmbeddedViolation } from '../kubernetes/objects/mesh-config-map.ts';
import type { DocumentFault } from './document-reading.ts';
import { placeOfDocument, type DocumentContent, type PlacedDocument } from './file-reading.ts';
import type { HeldFile, Holdings } from './holdings.ts';
import type { ObjectReading } from './object-reading.ts';
import { locateEmbedded, locateInDocument } from './yaml/locate.ts';

/** What is wrong with a file as a whole. */
export interface FileFailure {
  readonly code: 'WEIR2003' | 'WEIR2004' | 'WEIR2005';
  readonly message: string;
  readonly advice: string;
}

/** A file, and whether it could be read when it was last tried. */
export interface ReadFile extends HeldFile {
  readonly failure: FileFailure | undefined;
}

/** Everything that is wrong with a file now. */
export function problemsOf(file: ReadFile, holdings: Holdings, source: string): readonly SourceProblem[] {
  const drafts: Draft[] = [...failureOf(file, holdings)];
  for (const document of file.gone ? [] : documentsInTrouble(file, holdings)) {
    for (const fault of document.content.faults) drafts.push(faultProblem(file, document, fault));
    for (const object of document.content.objects) drafts.push(...objectProblems(file, document, object, holdings));
  }
  const counts = new Map<number, number>();
  return drafts.map(({ document, line, ...draft }) => {
    const count = (counts.get(document) ?? 0) + 1;
    counts.set(document, count);
    const place = { kind: 'document', file: file.path, document, line } as const;
    const text = placeText(place);
    return { key: count === 1 ? text : `${text}/${count}`, source, place, ...draft };
  });
}

/** In the order of the file. */
function documentsInTrouble(file: ReadFile, holdings: Holdings): readonly PlacedDocument[] {
  const contents = new Set([...file.troubled, ...holdings.contestedDocuments(file)]);
  return [...contents]
    .flatMap((content) => placeOfDocument(file.reading, content) ?? [])
    .toSorted((a, b) => a.startLine - b.startLine);
}

interface Draft extends Omit<SourceProblem, 'key' | 'source' | 'place'> {
  readonly document: number;
  readonly line: number;
}

function failureOf(file: ReadFile, holdings: Holdings): readonly Draft[] {
  if (file.failure === undefined) return [];
  const keptLastGood = file.reading.contents.some(({ objects }) =>
    objects.some(({ id }) => holdings.fileOf(id) === file),
  );
  return [{ ...file.failure, document: 1, line: 1, path: '', keptLastGood }];
}

function faultProblem(file: ReadFile, document: PlacedDocument, fault: DocumentFault): Draft {
  const { code, message, advice, line } = fault;
  const path = joined(fault.at, fault.path);
  return {
    code,
    document: document.number,
    line: line === undefined ? lineOfField(document, path) : document.startLine + line,
    path,
    message,
    advice,
    keptLastGood: [...file.absent.values()].some((known) => !known.has(document.content)),
  };
}

function objectProblems(
  file: ReadFile,
  document: PlacedDocument,
  object: ObjectReading,
  holdings: Holdings,
): readonly Draft[] {
  const { outcome, id } = object;
  if (outcome.kind === 'invalid') {
    const keptLastGood = holdings.fileOf(id) === file;
    return outcome.violations.map((violation) => violationProblem(document, object, violation, keptLastGood));
  }
  if (!file.contested.has(id)) return [];
  const winner = holdings.winnerOf(id);
  if (winner === undefined || winner.object === object) return [];
  const line = object.path === '' ? document.line : lineOfField(document, object.path);
  const first = placeOfDocument(winner.file.reading, winner.content);
  const place = `${winner.file.path}, document ${first?.number ?? 1}, line ${first?.line ?? 1}`;
  return [
    {
      code: 'WEIR2010',
      document: document.number,
      line,
      path: object.path,
      message: `${id} is also described in ${place}, which counts`,
      advice: 'remove or rename one of the two',
      keptLastGood: false,
    },
  ];
}

function violationProblem(
  document: PlacedDocument,
  object: ObjectReading,
  violation: EmbeddedViolation,
  keptLastGood: boolean,
): Draft {
  const { code, message, advice } = violation;
  const line = lineOfViolation(document, object, violation);
  return {
    code,
    document: document.number,
    line,
    path: shownPath(object, violation.path),
    message,
    advice,
    keptLastGood,
  };
}

function lineOfViolation(document: PlacedDocument, object: ObjectReading, violation: EmbeddedViolation): number {
  const { path, lineInText } = violation;
  if (lineInText === undefined) return lineOfObjectField(document, object, path);
  return document.startLine + locateEmbedded(document.text, joined(object.path, path), lineInText);
}

/** Path as the author of the file sees it: the settings of a ConfigMap are not called `spec` there. */
function shownPath({ path, embedded }: ObjectReading, field: string): string {
  return joined(path, embedded === undefined ? field : field.replace(/^spec\b/, embedded));
}

function joined(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return inner.startsWith('[') ? outer + inner : `${outer}.${inner}`;
}

/** 1-based line of a field of an object. */
export function lineOfObjectField(document: PlacedDocument, object: ObjectReading, field: string): number {
  const { path, embedded } = object;
  const inside = embedded === undefined ? undefined : /^spec\.?(.*)$/s.exec(field)?.[1];
  if (embedded === undefined || inside === undefined) return lineOfField(document, joined(path, field));
  return document.startLine + locateEmbedded(document.text, joined(path, embedded), inside);
}

/** Finding a line parses the document: remembered, as long as its text stays. */
const knownLines = new WeakMap<DocumentContent, Map<string, number>>();

function lineOfField(document: PlacedDocument, path: string): number {
  if (path === '') return document.line;
  let lines = knownLines.get(document.content);
  if (lines === undefined) knownLines.set(document.content, (lines = new Map()));
  let line = lines.get(path);
  if (line === undefined) lines.set(path, (line = locateInDocument(document.text, path)));
  return document.startLine + line;
}
