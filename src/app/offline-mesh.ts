import { allFindings } from '../admin/all-findings.ts';
import type { PlaceOf } from '../admin/status-report.ts';
import { FileSource } from '../discovery/file/file-source.ts';
import { missingSidecars } from '../inject/missing-sidecars.ts';
import type { QueryFailure } from '../incremental/commit.ts';
import { Engine } from '../incremental/engine.ts';
import type { Finding } from '../model/provenance.ts';
import type { SourceProblem } from '../model/source.ts';
import { namespaces, sourceProblems, workloads } from '../model/tables.ts';
import { silentLog } from '../observe/log.ts';
import { admit } from './admission.ts';
import { sourceClock } from './system-clock.ts';

/** A mesh that was read once from files, for commands that work without a server. */
export interface OfflineMesh {
  readonly engine: Engine;
  /** Input that could not become an object. */
  readonly problems: readonly SourceProblem[];
  readonly findings: readonly Finding[];
  readonly placeOf: PlaceOf;
}

/**
 * Reads directories of YAML as `weir serve` does.
 *
 * @param domain cluster domain of the services
 * @param onFailure hears of bugs in computations
 * @throws DirectoryError when a directory cannot be read at all
 */
export function readMesh(
  directories: readonly string[],
  domain: string,
  onFailure: (failure: QueryFailure) => void,
): OfflineMesh {
  const engine = new Engine({ onFailure });
  // The problems are returned: whoever reads once wants them in one piece, not as they come up.
  const files = new FileSource({
    engine,
    admit,
    clock: sourceClock,
    log: silentLog,
    directories,
    domain,
  });
  files.readOnce();
  return {
    engine,
    problems: [...engine.rows(sourceProblems)],
    findings: [...engine.read(allFindings, 'all'), ...missingSidecars(engine.rows(workloads), engine.rows(namespaces))],
    placeOf: (object, path) => files.placeOf(object, path),
  };
}
