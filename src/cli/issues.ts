import type { OfflineMesh } from '../app/offline-mesh.ts';
import { placeText } from '../model/source.ts';
import type { Violation } from '../model/provenance.ts';

/** Something that the author of a file should hear: a problem of the file, or a finding about an object in it. */
export interface Issue {
  readonly severity: Violation['severity'];
  readonly code: string;
  readonly file: string;
  /** 1-based; of the field where that is known. */
  readonly line: number;
  /** The object, for example `VirtualService shop/reviews`; empty when none came of the input. */
  readonly object: string;
  readonly path: string;
  readonly message: string;
  readonly advice: string;
}

/** All issues of a mesh, by file and line. */
export function issuesOf({ problems, findings, placeOf }: OfflineMesh): readonly Issue[] {
  const ofProblems = problems.map(({ place, code, path, message, advice }): Issue => ({
    severity: 'error',
    code,
    ...(place.kind === 'document'
      ? { file: place.file, line: place.line, object: '' }
      : { file: '', line: 0, object: placeText(place) }),
    path,
    message,
    advice,
  }));
  const ofFindings = findings.map(({ severity, code, object, path, message, advice }): Issue => {
    const { file = '', line = 0 } = placeOf(object, path) ?? {};
    const kind = object.kind.slice(object.kind.lastIndexOf('/') + 1);
    return { severity, code, file, line, object: `${kind} ${object.namespace}/${object.name}`, path, message, advice };
  });
  return [...ofProblems, ...ofFindings].toSorted(byPlace);
}

/** `mesh/web.yaml:12: error WEIR1003 in VirtualService shop/web, spec.http[0].timeout: …`, and below what to do. */
export function describeIssue({ severity, code, file, line, object, path, message, advice }: Issue): string {
  const where = [object, path].filter((part) => part !== '').join(', ');
  return `${file}:${line}: ${severity} ${code}${where === '' ? '' : ` in ${where}`}: ${message}\n    ${advice}`;
}

function byPlace(a: Issue, b: Issue): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}
