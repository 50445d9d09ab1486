import { styleText } from 'node:util';
import type { Tally } from './traffic.ts';

/** What the demo shows. Pure: from what is known to lines of text. */

export interface EditView {
  /** What the user did, for example `edited catalogue-routes.yaml`. */
  readonly did: string;
  /** The changed lines, `-` before and `+` after. */
  readonly lines: readonly string[];
}

/** What is going on at the moment. */
export interface Scene {
  readonly title: string;
  readonly lesson: string;
  readonly edits: readonly EditView[];
  /** Where it stands, for example `in force`. */
  readonly state: string;
}

export interface DemoView {
  readonly seconds: number;
  readonly total: Tally;
  readonly perSecond: number;
  readonly proxies: number;
  readonly scene: Scene | undefined;
  /** What the bars show. */
  readonly tally: Tally;
  /** Milliseconds from the file event to the acknowledgement; undefined before the first change. */
  readonly last: number | undefined;
  readonly median: number | undefined;
  /** All pods, so that one without traffic is shown as such. */
  readonly pods: readonly { readonly name: string; readonly service: string; readonly version: string }[];
}

type Style = Parameters<typeof styleText>[0];
const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });
const dim = (text: string): string => paint('dim', text);
const bold = (text: string): string => paint('bold', text);

/** A view that is drawn again and again in the same place. What was edited is shortened until all fits on the screen. */
export function renderLive(view: DemoView, width: number, height: number): readonly string[] {
  const { total, scene } = view;
  const head = [
    '',
    `${bold('Weir')}  ${clock(view.seconds)}   ${count(total.requests, 'request')}: ${failures(total)}`,
    dim(`${view.perSecond} requests a second through ${view.proxies} Envoys, `) + renderLatency(view),
  ];
  const pods = ['', ...renderPods(view, width)];
  const room = height - head.length - pods.length - 5;
  const lines = [...head, ...(scene === undefined ? [] : ['', ...renderScene(scene, room)]), ...pods];
  return lines.map((line) => cut(line, width));
}

function renderLatency({ last, median }: DemoView): string {
  if (last === undefined) return dim('no change yet');
  return `change to ACK: last ${bold(milliseconds(last))}, median ${milliseconds(median ?? last)}`;
}

function renderScene({ title, lesson, edits, state }: Scene, room: number): readonly string[] {
  const lines = edits.flatMap((edit) => [`    ${edit.did}`, ...edit.lines.map((line) => `      ${diffLine(line)}`)]);
  const hidden = lines.length - Math.max(1, room);
  const shown =
    hidden <= 0 ? lines : [...lines.slice(0, Math.max(1, room)), dim(`      … ${count(hidden, 'more line')}`)];
  return [`${bold(paint('cyan', title))}   ${dim(state)}`, `    ${dim(lesson)}`, ...shown];
}

function diffLine(line: string): string {
  return paint(line.startsWith('-') ? 'red' : 'green', line);
}

/** A bar per pod, by service; the share is that of the service's answers. */
function renderPods({ pods, tally }: DemoView, width: number): readonly string[] {
  const nameWidth = Math.max(...pods.map(({ name }) => name.length));
  const barWidth = Math.max(10, Math.min(40, width - nameWidth - 30));
  return pods.map(({ name, service, version }) => {
    const answers = tally.instances.get(name) ?? 0;
    const siblings = pods.filter((pod) => pod.service === service);
    const ofService = siblings.reduce((sum, pod) => sum + (tally.instances.get(pod.name) ?? 0), 0);
    const share = ofService === 0 ? 0 : answers / ofService;
    const full = Math.round(share * barWidth);
    const bar = paint(version === 'v2' ? 'magenta' : 'blue', '█'.repeat(full)) + dim('·'.repeat(barWidth - full));
    return `  ${name.padEnd(nameWidth)}  ${bar} ${percent(share).padStart(5)} ${dim(String(answers).padStart(6))}`;
  });
}

/** What stays of a step that is over. */
export function renderFinished(
  title: string,
  tally: Tally,
  problem: string | undefined,
  latency: number | undefined,
): readonly string[] {
  const mark = problem === undefined && tally.failed === 0 ? paint('green', '✓') : paint('red', '✗');
  const answered = tally.requests - tally.injected - tally.failed;
  const catalogue = ['v1', 'v2'].map((version) => {
    const answers = tally.versions.get(`catalogue ${version}`) ?? 0;
    return `${version} ${percent(answered === 0 ? 0 : answers / answered)}`;
  });
  const arrived = latency === undefined ? '' : `, change to ACK ${milliseconds(latency)}`;
  const facts = `${count(tally.requests, 'request')}: catalogue ${catalogue.join(', ')}, ${failures(tally)}${arrived}`;
  return [`${mark} ${title}`, `    ${facts}`, ...(problem === undefined ? [] : [`    ${paint('red', problem)}`])];
}

function failures(tally: Tally): string {
  const injected = tally.injected === 0 ? '' : `${count(tally.injected, 'injected fault')}, `;
  const unexpected = count(tally.failed, 'unexpected failure');
  return `${injected}${tally.failed === 0 ? paint('green', unexpected) : paint(['red', 'bold'], unexpected)}`;
}

export function renderReasons(tally: Tally): readonly string[] {
  const byCount = [...tally.failures].sort(([, a], [, b]) => b - a);
  return byCount.slice(0, 5).map(([why, times]) => `    ${times} × ${why}`);
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

export function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

// Terminals wrap what is too long, and a wrapped line would no longer be drawn over.
function cut(line: string, width: number): string {
  let visible = 0;
  // oxlint-disable-next-line no-control-regex -- colours are control characters
  return line.replaceAll(/\u001b\[[0-9;]*m|./gsu, (part) =>
    part.startsWith('\u001b') || ++visible <= width - 1 ? part : '',
  );
}
