import { availableParallelism } from 'node:os';
import type { EndToEndPlan, EndToEndResult } from '../bench/end-to-end.ts';
import type { Meeting, MeetingPlan } from '../bench/meeting.ts';
import { table } from './table.ts';

/** What `weir bench` prints: figures for programs, and the same for people. */

export interface Findings {
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const megabyte = 1_000_000;

export function endToEndText(plan: EndToEndPlan, result: EndToEndResult): Findings {
  const { churn, connectMilliseconds, connectedResidentBytes } = result;
  const data = {
    machine: machine(),
    plan,
    connectSeconds: connectMilliseconds / 1000,
    changesPerSecond: churn.changes / churn.seconds,
    messagesPerSecond: churn.messages / churn.seconds,
    bytesPerSecond: churn.bytes / churn.seconds,
    changeToAck: spread(churn.toAck),
    changeToLastAck: spread(churn.toLastAck),
    shareOfOneCore: churn.cpuShare,
    worstLagMilliseconds: churn.worstLag,
    residentBytes: { connected: connectedResidentBytes, busy: churn.residentBytes },
    lostStreams: result.totals.errors,
  };
  const rows = [
    ['', 'median', '99 %', 'worst'],
    ['change to ACK', ...milliseconds(data.changeToAck)],
    ['change to the last ACK', ...milliseconds(data.changeToLastAck)],
  ];
  const facts = [
    ['all sidecars had everything after', `${number(data.connectSeconds, 2)} s`],
    ['changes', `${number(data.changesPerSecond, 0)}/s`],
    ['responses', `${number(data.messagesPerSecond, 0)}/s, ${number(data.bytesPerSecond / megabyte, 1)} MB/s`],
    ['CPU of Weir', `${number(churn.cpuShare * 100, 1)} % of one core`],
    ['event loop away at worst', `${number(churn.worstLag, 1)} ms`],
    ['resident memory of Weir', `${number(churn.residentBytes / megabyte, 0)} MB`],
  ];
  const head = `${plan.sidecars} sidecars × ${plan.dependencies} of ${plan.services} services × ${plan.endpointsPerService} endpoints`;
  return { data, text: `${head}, on ${describeMachine()}\n\n${table(rows)}\n\n${table(facts)}\n` };
}

export function meetingText({ address, sidecars, seconds }: MeetingPlan, meeting: Meeting): Findings {
  const { resources, bytes, opened, messages, totals } = meeting;
  const data = {
    machine: machine(),
    address,
    sidecars,
    resourcesEach: resources,
    bytesEach: bytes,
    untilComplete: spread(opened.milliseconds),
    totalSeconds: opened.totalMilliseconds / 1000,
    responsesWhileListening: messages,
    listenedSeconds: seconds,
    lostStreams: totals.errors,
  };
  const rows = [
    ['', 'median', '99 %', 'worst'],
    ['connected until complete', ...milliseconds(data.untilComplete)],
  ];
  const facts = [
    ['each sidecar got', `${resources} resources, ${number(bytes / megabyte, 2)} MB`],
    ['all had everything after', `${number(data.totalSeconds, 2)} s`],
    ['responses afterwards', `${messages} in ${seconds} s`],
  ];
  return {
    data,
    text: `${sidecars} sidecars at ${address}, from ${describeMachine()}\n\n${table(rows)}\n\n${table(facts)}\n`,
  };
}

interface SpreadOfTimes {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** @param sorted milliseconds */
function spread(sorted: Float64Array): SpreadOfTimes {
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { median: at(0.5), p99: at(0.99), max: at(1) };
}

function milliseconds({ median, p99, max }: SpreadOfTimes): readonly string[] {
  return [median, p99, max].map((value) => `${number(value, 2)} ms`);
}

function number(value: number, digits: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function machine() {
  return { node: process.version, cores: availableParallelism() };
}

function describeMachine(): string {
  const { node, cores } = machine();
  return `Node.js ${node.slice(1)}, ${cores} cores`;
}
