import type { Finding, ObjectReference } from '../model/provenance.ts';
import {
  placeText,
  type Freshness,
  type ProblemPlace,
  type Source,
  type SourceKind,
  type SourceProblem,
} from '../model/source.ts';
import type { ScopedType } from '../model/scope.ts';
import { authorityReport, type AuthorityReport, type AuthorityView } from './authority-report.ts';
import type { ObjectStatus } from './object-status.ts';
import type { NackStatus, ProxyStatus, SyncState, TypeStatus } from '../xds/status.ts';

/** What `/status` answers and `weir status` prints. Times are ISO 8601. A field that is absent is unknown or does not apply. */
export interface StatusReport {
  readonly version: string;
  readonly startedAt: string;
  readonly readiness: Readiness;
  readonly sources: readonly SourceReport[];
  /** Input that could not become an object. */
  readonly problems: readonly ProblemReport[];
  /** Objects that probably do not mean what their authors meant. */
  readonly findings: readonly FindingReport[];
  /** What became of the objects of which something is said above, and of those that proxies refuse; the first 200 of them. */
  readonly objects: readonly ObjectStatus[];
  /** How many distinct scopes the connected proxies have, by type. */
  readonly scopes: Readonly<Record<string, number>>;
  /** Absent: there is none, or it could not be read yet. */
  readonly authority?: AuthorityReport;
  readonly proxies: readonly ProxyReport[];
}

/** Whether every source has been read once, and if not, what is missing. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export interface SourceReport {
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  readonly freshness: Freshness;
  readonly reason?: string;
  readonly since: string;
  readonly objects: number;
  readonly problems: number;
  /** Sources that follow each kind of objects by itself. */
  readonly kinds?: readonly SourceKind[];
}

/** `file`, `document` and `line`, or `object`, or `resource`: what it is about. */
export interface ProblemReport {
  readonly source: string;
  readonly code: string;
  readonly file?: string;
  readonly document?: number;
  readonly line?: number;
  readonly object?: { readonly kind: string; readonly namespace: string; readonly name: string };
  /** A whole kind of objects, for example `pods`. */
  readonly resource?: string;
  readonly path: string;
  readonly message: string;
  readonly advice: string;
  readonly keptLastGood: boolean;
}

export interface FindingReport {
  readonly severity: Finding['severity'];
  readonly code: string;
  readonly object: ObjectReport;
  readonly message: string;
  readonly advice: string;
}

export interface ObjectReport {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly source: string;
  readonly file?: string;
  /** Of the field. */
  readonly line?: number;
  /** The field that matters; empty for the object as a whole. */
  readonly path: string;
}

export interface ProxyReport {
  readonly nodeId: string;
  readonly namespace: string;
  readonly workload: string;
  readonly version: string;
  readonly address: string;
  /** URIs of the client certificate that it connected with, verified; absent without TLS. */
  readonly identities?: readonly string[];
  readonly protocol: ProxyStatus['wire'];
  readonly connectedAt: string;
  readonly state: SyncState;
  readonly types: readonly TypeReport[];
}

export interface TypeReport {
  readonly type: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  readonly resources: number;
  /** Of what the proxy should have. */
  readonly version: string;
  readonly sent?: { readonly version: string; readonly nonce: string; readonly at: string };
  readonly acked?: { readonly version: string; readonly at: string };
  readonly pendingSince?: string;
  readonly nack?: NackReport;
}

export interface NackReport {
  /** The proxy's words. */
  readonly message: string;
  readonly at: string;
  readonly resources: readonly string[];
  /** What made those resources. */
  readonly objects: readonly ObjectReport[];
}

/** Where a field of an object stands now; undefined when that is not known. */
export type PlaceOf = (
  object: ObjectReference,
  path: string,
) => { readonly file: string; readonly line: number } | undefined;

export interface StatusInput {
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly readiness: Readiness;
  readonly sources: Iterable<Source>;
  readonly problems: Iterable<SourceProblem>;
  readonly findings: readonly Finding[];
  readonly statusesOf: (named: readonly ObjectReference[]) => readonly ObjectStatus[];
  readonly placeOf: PlaceOf;
  readonly authority: AuthorityView | undefined;
  readonly proxies: readonly ProxyStatus[];
}

/** One view of everything, in stable order: sources by name, problems by place, proxies by workload. */
export function statusReport(input: StatusInput): StatusReport {
  const problems = [...input.problems].toSorted(byPlace).map(problemReport);
  return {
    version: input.version,
    startedAt: isoTime(input.startedAt),
    readiness: input.readiness,
    sources: [...input.sources]
      .toSorted((a, b) => compare(a.name, b.name))
      .map((source) => sourceReport(source, problems.filter((problem) => problem.source === source.name).length)),
    problems,
    findings: input.findings.map((finding) => findingReport(finding, input.placeOf)),
    objects: input.statusesOf(namedIn(input)),
    scopes: scopeCounts(input.proxies),
    ...(input.authority === undefined ? {} : { authority: authorityReport(input.authority) }),
    proxies: input.proxies.map((proxy) => proxyReport(proxy, input.placeOf)).toSorted(byWorkload),
  };
}

function namedIn({ problems, findings, proxies }: StatusInput): readonly ObjectReference[] {
  const refused = proxies.flatMap(({ types }) => types.flatMap(({ nack }) => nack?.objects ?? []));
  const unread = Array.from(problems, ({ place }) => (place.kind === 'object' ? [place.object] : [])).flat();
  return [...refused, ...unread, ...findings.map(({ object }) => object)];
}

/** How many distinct scopes the proxies have, by type: each resource of the type is built that many times at most. */
export function scopeCounts(proxies: readonly ProxyStatus[]): Readonly<Record<ScopedType, number>> {
  const count = (type: ScopedType): number => new Set(proxies.flatMap(({ scopes }) => scopes[type])).size;
  return {
    cluster: count('cluster'),
    endpoints: count('endpoints'),
    listener: count('listener'),
    routes: count('routes'),
    virtualHosts: count('virtualHosts'),
  };
}

/** A proxy that refuses something is `rejected`, else one that is owed something `pending`. */
export function proxyState({ types }: Pick<ProxyStatus, 'types'>): SyncState {
  const states = new Set(types.map(({ state }) => state));
  return states.has('rejected') ? 'rejected' : states.has('pending') ? 'pending' : 'synced';
}

function sourceReport(source: Source, problems: number): SourceReport {
  const { name, kind, target, freshness, reason, since, objects, kinds } = source;
  return {
    name,
    kind,
    target,
    freshness,
    ...(reason === undefined ? {} : { reason }),
    since: isoTime(since),
    objects,
    problems,
    ...(kinds === undefined ? {} : { kinds }),
  };
}

function problemReport({ key: _, place, ...problem }: SourceProblem): ProblemReport {
  return { ...placeReport(place), ...problem };
}

function placeReport(place: ProblemPlace): Partial<ProblemReport> {
  switch (place.kind) {
    case 'document':
      return { file: place.file, document: place.document, line: place.line };
    case 'object': {
      const { kind, namespace, name } = place.object;
      return { object: { kind, namespace, name } };
    }
    case 'resource':
      return { resource: place.resource };
  }
}

function findingReport(finding: Finding, placeOf: PlaceOf): FindingReport {
  const { severity, code, object, path, message, advice } = finding;
  return { severity, code, object: objectReport(object, path, placeOf), message, advice };
}

function objectReport(object: ObjectReference, path: string, placeOf: PlaceOf): ObjectReport {
  const { kind, namespace, name, origin } = object;
  const place = placeOf(object, path);
  return {
    kind,
    namespace,
    name,
    source: origin.source,
    ...(place === undefined ? {} : { file: place.file, line: place.line }),
    path,
  };
}

function proxyReport(proxy: ProxyStatus, placeOf: PlaceOf): ProxyReport {
  return {
    nodeId: proxy.nodeId,
    namespace: proxy.workload.namespace,
    workload: proxy.workload.name,
    version: proxy.version,
    address: proxy.address,
    ...(proxy.certificate === undefined ? {} : { identities: proxy.certificate.uris }),
    protocol: proxy.wire,
    connectedAt: isoTime(proxy.connectedAt),
    state: proxyState(proxy),
    types: proxy.types.map((type) => typeReport(type, placeOf)),
  };
}

function typeReport(type: TypeStatus, placeOf: PlaceOf): TypeReport {
  const { sent, acked, pendingSince, nack } = type;
  return {
    type: type.type,
    state: type.state,
    wildcard: type.wildcard,
    resources: type.resources,
    version: type.version,
    ...(sent === undefined ? {} : { sent: { ...sent, at: isoTime(sent.at) } }),
    ...(acked === undefined ? {} : { acked: { ...acked, at: isoTime(acked.at) } }),
    ...(pendingSince === undefined ? {} : { pendingSince: isoTime(pendingSince) }),
    ...(nack === undefined ? {} : { nack: nackReport(nack, placeOf) }),
  };
}

function nackReport({ message, at, names, objects }: NackStatus, placeOf: PlaceOf): NackReport {
  return {
    message,
    at: isoTime(at),
    resources: names,
    objects: objects.map((object) => objectReport(object, object.path ?? '', placeOf)),
  };
}

function byPlace(a: SourceProblem, b: SourceProblem): number {
  return (
    compare(a.source, b.source) ||
    compare(placedIn(a.place), placedIn(b.place)) ||
    lineOf(a.place) - lineOf(b.place) ||
    compare(a.path, b.path)
  );
}

function placedIn(place: ProblemPlace): string {
  return place.kind === 'document' ? place.file : placeText(place);
}

function lineOf(place: ProblemPlace): number {
  return place.kind === 'document' ? place.line : 0;
}

function byWorkload(a: ProxyReport, b: ProxyReport): number {
  return compare(a.namespace, b.namespace) || compare(a.workload, b.workload) || compare(a.nodeId, b.nodeId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
