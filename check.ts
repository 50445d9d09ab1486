import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * `npm run check`: format, types, lint, floor plan, dead code. One line when all is well; of a gate that fails, everything
 * that it has to say. Gate names as arguments run only those: `npm run check -- lint types`.
 */

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

interface Gate {
  readonly name: string;
  readonly run: () => Promise<Outcome>;
}

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
      readonly cycle?: readonly { readonly name: string }[];
    }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string; readonly comment: string }[] };
  };
}

const gates: readonly Gate[] = [
  { name: 'types', run: () => tool('tsc', ['--noEmit', '-p', '.']) },
  { name: 'lint', run: lint },
  { name: 'floor-plan', run: floorPlan },
  { name: 'format', run: () => tool('prettier', ['--check', '--log-level', 'warn', '.']) },
  { name: 'dead-code', run: () => tool('knip', ['--no-progress', '--no-config-hints']) },
];

async function lint(): Promise<Outcome> {
  const { exitCode, output } = await tool('oxlint', ['--type-aware']);
  const files = Number(/ on (\d+) files? /.exec(output)?.[1] ?? 0);
  if (files === 0) return { exitCode: 1, output: `${output}\nThe linter looked at no file: .oxlintrc.json is wrong.` };
  return { exitCode, output };
}

async function floorPlan(): Promise<Outcome> {
  const { exitCode, output } = await tool('depcruise', ['src', 'test', 'proto', '--output-type', 'json']);
  if (exitCode !== 0) return { exitCode, output };
  const { modules, summary } = JSON.parse(output) as Cruise;
  const ours = modules.filter(({ source }) => source.startsWith('src/')).length;
  // A cruise that finds no module (a parser that does not understand the compiler's version) has no violations either.
  if (ours === 0) return { exitCode: 1, output: 'The floor plan saw no module of src: dependency-cruiser is blind.' };
  const reasons = new Map(summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment]));
  const broken = summary.violations.map(({ from, to, rule, cycle }) => {
    const way = cycle === undefined ? to : cycle.map(({ name }) => name).join(' -> ');
    return `${from} -> ${way}\n  ${rule.name}: ${reasons.get(rule.name) ?? ''}`;
  });
  return { exitCode: broken.length === 0 ? 0 : 1, output: broken.join('\n') };
}

/** Runs a program of node_modules/.bin; standard output and error together, in the order of arrival. */
function tool(name: string, parameters: readonly string[]): Promise<Outcome> {
  const program = join(import.meta.dirname, 'node_modules', '.bin', name);
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => resolve({ exitCode: 1, output: `${name} does not start: ${error.message}` }));
    child.on('close', (code) => resolve({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString().trim() }));
  });
}

async function runGate(gate: Gate): Promise<boolean> {
  const { exitCode, output } = await gate.run();
  if (exitCode === 0) return true;
  console.error(`== ${gate.name}: failed\n${output}\n`);
  return false;
}

async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !gates.some((gate) => gate.name === name));
  if (unknown.length > 0) {
    console.error(`No such gate: ${unknown.join(', ')}. There are: ${gates.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const started = performance.now();
  const chosen = wanted.length === 0 ? gates : gates.filter(({ name }) => wanted.includes(name));
  const open = [...chosen];
  const failed: string[] = [];
  const lane = async (): Promise<void> => {
    for (let gate = open.shift(); gate !== undefined; gate = open.shift()) {
      if (!(await runGate(gate))) failed.push(gate.name);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), chosen.length) }, lane));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (failed.length > 0) console.error(`check: ${failed.join(', ')} failed (${seconds} s)`);
  else console.log(`check: ${chosen.map(({ name }) => name).join(', ')}: clean (${seconds} s)`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
