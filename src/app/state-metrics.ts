import { proxyState, scopeCounts } from '../admin/status-report.ts';
import { allFindings } from '../admin/all-findings.ts';
import { missingSidecars } from '../inject/missing-sidecars.ts';
import type { Commit, RowChange } from '../incremental/commit.ts';
import type { Query } from '../incremental/definitions.ts';
import type { Engine } from '../incremental/engine.ts';
import { placeText, type Freshness } from '../model/source.ts';
import {
  allServices,
  configs,
  configsByKind,
  endpointShards,
  namespaces,
  services,
  sourceProblems,
  sources,
  workloads,
} from '../model/tables.ts';
import type { Metrics } from '../observe/metrics.ts';
import { serviceEntryIn } from '../policy/decoded-objects.ts';
import type { XdsServer } from '../xds/server.ts';
import type { ProxyStatus } from '../xds/status.ts';
import { typeLabel } from './delivery-metrics.ts';

/** Follows the engine's commits with counters. Gives the function that ends it. */
export function countCommits(engine: Engine, metrics: Metrics): () => void {
  return engine.onCommit((commit) => {
    metrics.commits.inc({ source: commit.cause.source });
    for (const [query, runs] of commit.reran) metrics.queryRuns.inc({ query }, runs);
    for (const [type, count] of updatesIn(commit)) metrics.inboundUpdates.inc({ type }, count);
  });
}

/** What changed in istiod's words (istio-compat I156). */
function updatesIn({ changedRows }: Commit): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const change of changedRows) {
    const type = updateType(change);
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

function updateType({ table, kind }: RowChange): string | undefined {
  switch (table) {
    case configs.name:
      return 'config';
    case endpointShards.name:
      return 'eds';
    case services.name:
      return kind === 'removed' ? 'svcdelete' : 'svc';
    default:
      return undefined;
  }
}

/** The same query, with a count of the results that came out as they were: work whose result was sent to nobody. */
export function countingEqual<Key extends string, Value>(
  query: Query<Key, Value>,
  count: () => void,
): Query<Key, Value> {
  const equal = query.equal ?? Object.is;
  return {
    ...query,
    equal: (a, b) => {
      const isEqual = equal(a, b);
      if (isEqual) count();
      return isEqual;
    },
  };
}

/** Brings the gauges up to date, before each exposition. */
export function measureState(engine: Engine, proxies: () => readonly ProxyStatus[], metrics: Metrics): void {
  metrics.beforeExposition(() => {
    measureSources(engine, metrics);
    measureObjects(engine, metrics);
    measureProxies(proxies(), metrics);
    metrics.podsWithoutSidecar.set(missingSidecars(engine.rows(workloads), engine.rows(namespaces)).length);
  });
}

/** Measures what is remembered of proxies' refusals (xds-protocol X304) whenever somebody asks. */
export function measureTaint(taint: () => XdsServer['taint'], metrics: Metrics): void {
  metrics.beforeExposition(() => {
    const { names, dropped } = taint();
    metrics.taintedNames.set(names);
    metrics.droppedTaint.reset();
    metrics.droppedTaint.inc(dropped);
  });
}

const freshnessStates: readonly Freshness[] = ['unknown', 'synced', 'stale'];

function measureSources(engine: Engine, metrics: Metrics): void {
  for (const { name, freshness, since, objects } of engine.rows(sources)) {
    for (const state of freshnessStates) {
      metrics.sourceFreshness.set({ source: name, freshness: state }, state === freshness ? 1 : 0);
    }
    metrics.sourceChangedAt.set({ source: name }, since / 1000);
    metrics.sourceObjects.set({ source: name }, objects);
  }
  metrics.sourceProblems.reset();
  const rejected = new Set<string>();
  for (const { source, code, place } of engine.rows(sourceProblems)) {
    metrics.sourceProblems.inc({ source, code });
    // An object may have several problems.
    rejected.add(`${source} ${placeText(place)}`);
  }
  metrics.rejectedConfigs.set(rejected.size);
}

function measureObjects(engine: Engine, metrics: Metrics): void {
  const { read } = engine;
  metrics.findings.reset();
  for (const { severity, code } of read(allFindings, 'all')) metrics.findings.inc({ severity, code });
  const keys = new Set<string>(read(allServices, 'all'));
  for (const key of read(configsByKind, 'networking.istio.io/ServiceEntry')) {
    for (const service of serviceEntryIn(read(configs, key))?.services ?? []) keys.add(service.key);
  }
  metrics.services.set(keys.size);
  metrics.virtualServices.set(read(configsByKind, 'networking.istio.io/VirtualService').length);
}

function measureProxies(proxies: readonly ProxyStatus[], metrics: Metrics): void {
  metrics.connections.reset();
  metrics.proxies.reset();
  for (const state of ['synced', 'pending', 'rejected']) metrics.proxies.set({ state }, 0);
  for (const proxy of proxies) {
    metrics.connections.inc({ version: proxy.version === '' ? 'unknown' : proxy.version });
    metrics.proxies.inc({ state: proxyState(proxy) });
  }
  for (const [type, count] of Object.entries(scopeCounts(proxies)))
    metrics.scopes.set({ type: typeLabel(type) }, count);
}
