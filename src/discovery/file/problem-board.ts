import type { Write } from '../../incremental/commit.ts';
import { placeText, type SourceProblem } from '../../model/source.ts';
import { sourceProblems } from '../../model/tables.ts';
import type { Log, LogFields } from '../../observe/log.ts';

/** The problems that people have been told of, per file. */
export class ProblemBoard {
  private readonly shown = new Map<string, ReadonlyMap<string, SourceProblem>>();
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  /**
   * Shows what is wrong with a file now. What is solved disappears at once.
   *
   * @param settled whether new problems are shown as well: a file that is being written has many that last a moment
   * @returns whether problems are held back
   */
  show(write: Write, file: string, problems: readonly SourceProblem[], settled: boolean): boolean {
    const before = this.shown.get(file) ?? new Map<string, SourceProblem>();
    const known = problems.filter((problem) => isSame(before.get(problem.key), problem));
    const fresh = problems.filter((problem) => !isSame(before.get(problem.key), problem));
    const now = new Map([...known, ...(settled ? fresh : [])].map((problem) => [problem.key, problem]));
    for (const [key, problem] of before) {
      if (now.has(key)) continue;
      write.remove(sourceProblems, key);
      if (!problems.some((other) => isSame(problem, other)))
        this.log.info('a problem of a file is solved', fieldsOf(problem));
    }
    for (const problem of now.values()) write.put(sourceProblems, problem);
    if (settled) for (const problem of fresh) this.log.warn('a file has a problem', fieldsOf(problem));
    if (now.size === 0) this.shown.delete(file);
    else this.shown.set(file, now);
    return !settled && fresh.length > 0;
  }
}

/** The line may have moved. */
function isSame(a: SourceProblem | undefined, b: SourceProblem): boolean {
  return a !== undefined && a.code === b.code && a.path === b.path && a.message === b.message;
}

function fieldsOf(problem: SourceProblem): LogFields {
  const { source, place, code, path, message, advice, keptLastGood } = problem;
  const { kind: _, ...document } = place.kind === 'document' ? place : { kind: place.kind, object: placeText(place) };
  return { source, code, ...document, path, problem: message, advice, keptLastGood };
}
