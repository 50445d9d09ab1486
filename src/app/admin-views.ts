import { allFindings } from '../admin/all-findings.ts';
import { statusesOfNamed } from '../admin/object-status.ts';
import type { AdminViews } from '../admin/server.ts';
import { statusReport, type PlaceOf, type StatusReport } from '../admin/status-report.ts';
import type { Engine } from '../incremental/engine.ts';
import { missingSidecars } from '../inject/missing-sidecars.ts';
import type { Finding } from '../model/provenance.ts';
import { namespaces, sourceProblems, sources, workloads } from '../model/tables.ts';
import type { XdsServer } from '../xds/server.ts';
import type { MeshAuthority } from './authority.ts';
import { readinessOf } from './readiness.ts';
import { wallTimeAt } from './system-clock.ts';

/** Pods without a sidecar that the status names. */
const mostUnmeshedShown = 100;

export interface AdminViewsOptions extends Pick<AdminViews, 'guard' | 'metrics'> {
  readonly engine: Engine;
  readonly xds: XdsServer;
  readonly placeOf: PlaceOf;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly sourceNames: readonly string[];
  readonly authority: Pick<MeshAuthority, 'report'> | undefined;
}

/** What the admin server shows: reads of the state, as it is when somebody asks. */
export function adminViews(options: AdminViewsOptions): AdminViews {
  const { engine, version, sourceNames, guard, metrics } = options;
  return {
    readiness: () => readinessOf(engine, sourceNames),
    version: () => ({ version, node: process.version }),
    guard,
    metrics,
    status: (namespace) => statusFor(options, namespace),
  };
}

/** @param namespace what is of it alone; undefined: everything */
function statusFor(options: AdminViewsOptions, namespace: string | undefined): StatusReport {
  const { engine, xds, placeOf, version, startedAt, sourceNames, authority } = options;
  const isShown = (each: { readonly namespace: string }): boolean =>
    namespace === undefined || each.namespace === namespace;
  return statusReport({
    version,
    startedAt,
    readiness: readinessOf(engine, sourceNames),
    sources: namespace === undefined ? engine.rows(sources) : [],
    problems: engine
      .rows(sourceProblems)
      .filter(({ place }) => namespace === undefined || (place.kind === 'object' && isShown(place.object))),
    findings: findingsOf(engine, isShown),
    statusesOf: (named) => statusesOfNamed(named.filter(isShown), { read: engine.read, xds, wallTimeAt }),
    placeOf,
    authority: namespace === undefined ? authority?.report() : undefined,
    proxies: xds.proxies().filter(({ workload }) => isShown(workload)),
  });
}

function findingsOf(engine: Engine, isShown: (object: Finding['object']) => boolean): readonly Finding[] {
  const unmeshed = missingSidecars(engine.rows(workloads), engine.rows(namespaces));
  const shown = unmeshed.filter(({ object }) => isShown(object)).slice(0, mostUnmeshedShown);
  return [...engine.read(allFindings, 'all').filter(({ object }) => isShown(object)), ...shown];
}
