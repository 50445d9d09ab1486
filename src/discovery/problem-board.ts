import type { Write } from '../incremental/commit.ts';
import { placeText, type SourceProblem } from '../model/source.ts';
import { sourceProblems } from '../model/tables.ts';
import type { Log, LogFields } from '../observe/log.ts';

/** The problems that people have been told of, per file or whatever else they are about. */
export class ProblemBoard {
  private readonly shown = new Map<string, ReadonlyMap<string, SourceProblem>>();
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  /**
   * Shows what is wrong with something now. What is solved disappears at once.
   *
   * @param settled whether new problems are shown as well: a file that is being written has many that last a moment
   * @returns whether problems are held back
   */
  show(write: Write, subject: string, problems: readonly SourceProblem[], settled: boolean): boolean {
    const before = this.shown.get(subject) ?? new Map<string, SourceProblem>();
    const known = problems.filter((problem) => isSame(before.get(problem.key), problem));
    const fresh = problems.filter((problem) => !isSame(before.get(problem.key), problem));
    const now = new Map([...known, ...(settled ? fresh : [])].map((problem) => [problem.key, problem]));
    for (const [key, problem] of before) {
      if (now.has(key)) continue;
      write.remove(sourceProblems, key);
      if (!problems.some((other) => isSame(problem, other))) this.log.info('a problem is solved', fieldsOf(problem));
    }
    for (const problem of now.values()) write.put(sourceProblems, problem);
    if (settled)
      for (const problem of fresh) this.log.warn('something cannot be read as it is written', fieldsOf(problem));
    if (now.size === 0) this.shown.delete(subject);
    else this.shown.set(subject, now);
    return !settled && fresh.length > 0;
  }

  /** Nothing is wrong any more, with whatever it was. */
  clear(write: Write): void {
    for (const subject of [...this.shown.keys()]) this.show(write, subject, [], true);
  }
}

/** The line may have moved. */
function isSame(a: SourceProblem | undefined, b: SourceProblem): boolean {
  return a !== undefined && a.code === b.code && a.path === b.path && a.message === b.message;
}

function fieldsOf(problem: SourceProblem): LogFields {
  const { source, place, code, path, message, advice, keptLastGood } = problem;
  const { kind: _, ...subject } = place.kind === 'document' ? place : { kind: place.kind, object: placeText(place) };
  return { source, code, ...subject, path, problem: message, advice, keptLastGood };
}
