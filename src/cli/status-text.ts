import { styleText } from 'node:util';
import type {
  FindingReport,
  NackReport,
  ObjectReport,
  ProblemReport,
  ProxyReport,
  SourceReport,
  StatusReport,
  TypeReport,
} from '../admin/status-report.ts';
import type { ObjectStatus } from '../admin/object-status.ts';
import type { ConditionType } from '../model/condition.ts';
import { titleOf } from '../model/provenance.ts';
import { authorityText } from './authority-text.ts';
import { table } from './table.ts';

export interface TextOptions {
  readonly colours: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Paint = (colour: 'red' | 'yellow' | 'green' | 'gray' | 'bold', text: string) => string;

/** The status for a person: sources, what is wrong, and every proxy with the state of each type. */
export function statusText(report: StatusReport, { colours, now }: TextOptions): string {
  const paint: Paint = (colour, text) => (colours ? styleText(colour, text, { validateStream: false }) : text);
  const age = (time: string): string => ageText(now - Date.parse(time));
  const { problems, findings, proxies, authority } = report;
  const sections = [
    headline(report, paint, age),
    section('SOURCES', sourceTable(report.sources, paint, age), paint),
    kindsSection(report.sources, paint),
    problems.length === 0
      ? ''
      : section('PROBLEMS', problems.map((each) => problemText(each, paint)).join('\n'), paint),
    findings.length === 0
      ? ''
      : section('FINDINGS', findings.map((each) => findingText(each, paint)).join('\n'), paint),
    objectSection(report.objects, paint),
    authority === undefined ? '' : section('AUTHORITY', authorityText(authority), paint),
    section('PROXIES', proxies.length === 0 ? 'none is connected' : proxyTable(proxies, paint, age), paint),
    nackSection(proxies, paint, age),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function headline(
  { version, readiness, startedAt }: StatusReport,
  paint: Paint,
  age: (time: string) => string,
): string {
  const state = readiness.ready ? paint('green', 'ready') : paint('red', `not ready: ${readiness.reasons.join('; ')}`);
  return `weir ${version}, ${state}, started ${age(startedAt)} ago`;
}

function section(title: string, body: string, paint: Paint): string {
  return `${paint('bold', title)}\n${body}`;
}

function sourceTable(sources: readonly SourceReport[], paint: Paint, age: (time: string) => string): string {
  const colourOf = { synced: 'green', unknown: 'yellow', stale: 'red' } as const;
  return table([
    ['NAME', 'KIND', 'STATE', 'SINCE', 'OBJECTS', 'PROBLEMS', 'TARGET', 'WHY'],
    ...sources.map(({ name, kind, freshness, reason, since, objects, problems, target }) => [
      name,
      kind,
      paint(colourOf[freshness], freshness),
      age(since),
      String(objects),
      problems === 0 ? '0' : paint('red', String(problems)),
      target,
      reason ?? '',
    ]),
  ]);
}

/** What each source follows, for those that follow each kind by itself. */
function kindsSection(sources: readonly SourceReport[], paint: Paint): string {
  const colourOf = { following: 'green', unknown: 'yellow', absent: 'gray', forbidden: 'red', stale: 'red' } as const;
  const rows = sources.flatMap(({ name: source, kinds = [] }) =>
    kinds.map(({ kind, namespace, state, reason, objects }) => [
      source,
      kind,
      namespace ?? 'all',
      paint(colourOf[state], state),
      String(objects),
      reason ?? '',
    ]),
  );
  return rows.length === 0
    ? ''
    : section('KINDS', table([['SOURCE', 'KIND', 'NAMESPACE', 'STATE', 'OBJECTS', 'WHY'], ...rows]), paint);
}

function problemText({ code, path, message, advice, keptLastGood, ...place }: ProblemReport, paint: Paint): string {
  const { file, line, document, object, resource } = place;
  const subject = object === undefined ? (resource ?? `${file}:${line}`) : titleOf(object);
  const inDocument = document === undefined ? '' : ` in document ${document}`;
  const where = path === '' ? '' : ` in ${path}`;
  const kept = keptLastGood ? ' (the last good version stays in force)' : '';
  return `${subject}: ${paint('red', code)}${inDocument}${where}: ${message}${kept}\n    ${advice}`;
}

function findingText({ severity, code, object, message, advice }: FindingReport, paint: Paint): string {
  const colour = severity === 'error' ? 'red' : 'yellow';
  return `${objectText(object)}: ${paint(colour, code)} ${message}\n    ${advice}`;
}

function objectText({ file, line, path, ...object }: ObjectReport): string {
  const place = file === undefined ? '' : `${file}:${line ?? 1}: `;
  return `${place}${titleOf(object)}${path === '' ? '' : `, ${path}`}`;
}

function objectSection(objects: readonly ObjectStatus[], paint: Paint): string {
  if (objects.length === 0) return '';
  const rows = objects.map((object) => {
    const cell = (type: ConditionType): string => conditionText(object, type, paint);
    return [titleOf(object), cell('Accepted'), cell('ResolvedRefs'), cell('Programmed'), alsoText(object, paint)];
  });
  return section('OBJECTS', table([['OBJECT', 'ACCEPTED', 'RESOLVED', 'PROGRAMMED', 'ALSO'], ...rows]), paint);
}

function conditionText({ conditions }: ObjectStatus, type: ConditionType, paint: Paint): string {
  const condition = conditions.find((each) => each.type === type);
  if (condition === undefined) return '-';
  const { status, reason, message } = condition;
  // How many proxies have it is worth saying in any case.
  const text =
    type === 'Programmed' && status !== 'Unknown' ? (message.split('\n', 1)[0] ?? '').replace(/:$/, '') : reason;
  return paint(status === 'True' ? 'green' : status === 'False' ? 'red' : 'gray', text);
}

/** Conditions that are told only while they are so. */
function alsoText({ conditions }: ObjectStatus, paint: Paint): string {
  const also = conditions.filter(({ type }) => type === 'Conflicted' || type === 'Shadowed');
  return also.map(({ type, reason }) => paint('yellow', `${type} (${reason})`)).join(', ');
}

function proxyTable(proxies: readonly ProxyReport[], paint: Paint, age: (time: string) => string): string {
  return table([
    ['PROXY', 'ENVOY', 'TYPE', 'STATE', 'RESOURCES', 'VERSION', 'SENT', 'ACKED'],
    ...proxies.flatMap((proxy) => proxyRows(proxy, paint, age)),
  ]);
}

function proxyRows(proxy: ProxyReport, paint: Paint, age: (time: string) => string): readonly (readonly string[])[] {
  const name = `${proxy.namespace}/${proxy.workload}`;
  const envoy = proxy.version === '' ? 'unknown' : proxy.version;
  if (proxy.types.length === 0) return [[name, envoy, paint('yellow', 'has asked for nothing yet')]];
  return proxy.types.map((type, index) => [
    index === 0 ? name : '',
    index === 0 ? envoy : '',
    type.type,
    stateText(type, paint, age),
    String(type.resources),
    type.version,
    type.sent === undefined ? 'never' : `${age(type.sent.at)} ago`,
    ackText(type, age),
  ]);
}

function stateText({ state, pendingSince }: TypeReport, paint: Paint, age: (time: string) => string): string {
  switch (state) {
    case 'synced':
      return paint('green', 'synced');
    case 'pending':
      return paint('yellow', pendingSince === undefined ? 'pending' : `pending for ${age(pendingSince)}`);
    case 'rejected':
      return paint('red', 'NACK');
  }
}

/** An ACK of another version than the one last sent says which it was. */
function ackText({ acked, sent }: TypeReport, age: (time: string) => string): string {
  if (acked === undefined) return 'never';
  return acked.version === sent?.version ? `${age(acked.at)} ago` : `${acked.version}, ${age(acked.at)} ago`;
}

function nackSection(proxies: readonly ProxyReport[], paint: Paint, age: (time: string) => string): string {
  const nacks = proxies.flatMap((proxy) =>
    proxy.types.flatMap(({ type, nack }) => (nack === undefined ? [] : [nackText(proxy, type, nack, age)])),
  );
  return nacks.length === 0 ? '' : section('NACKS', nacks.join('\n'), paint);
}

function nackText(
  { namespace, workload }: ProxyReport,
  type: string,
  nack: NackReport,
  age: (time: string) => string,
): string {
  const resources = nack.resources.length === 0 ? '' : `\n    resources: ${nack.resources.join(', ')}`;
  const objects = nack.objects.map((object) => `\n    made by ${objectText(object)}`).join('');
  return `${namespace}/${workload} refused ${type} ${age(nack.at)} ago: ${nack.message.trim()}${resources}${objects}`;
}

/** `3s`, `5m`, `2h`, `4d`: one unit is enough to judge by. */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
