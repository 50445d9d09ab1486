import { availableParallelism } from 'node:os';
import { engineBench } from './engine.ts';
import { certificatesBench } from './certificates.ts';
import { changeBench } from './change.ts';
import { decodeBench } from './decode.ts';
import { e2eBench } from './e2e.ts';
import { encodeBench } from './encode.ts';
import { fanoutBench } from './fanout.ts';
import { filesBench } from './files.ts';
import { GateError, gatesBench } from './gates.ts';
import { kubernetesBench } from './kubernetes.ts';
import { memoryBench, streamMemoryBench } from './memory.ts';
import { nacosBench } from './nacos.ts';
import { peersBench } from './peers.ts';
import { profileBench } from './profile.ts';
import type { Bench, Figures, Report } from './report.ts';
import { coalesceBench, scaleBench } from './scale.ts';
import { stallBench } from './stall.ts';
import { idleBench, stormBench } from './storm.ts';

/**
 * `npm run bench -- NAME…`: runs the benchmarks named, or `all`; without a name it lists them. Absolute times of different runs are not to be compared;
 * ratios inside one run are.
 */
const benches: readonly Bench[] = [
  encodeBench,
  decodeBench,
  engineBench,
  changeBench,
  fanoutBench,
  scaleBench,
  coalesceBench,
  e2eBench,
  stormBench,
  idleBench,
  stallBench,
  memoryBench,
  streamMemoryBench,
  filesBench,
  certificatesBench,
  peersBench,
];

interface Row {
  readonly variant: string;
  readonly figures: Figures;
}

async function runBench(bench: Bench): Promise<void> {
  console.log(`\n${bench.name}: ${bench.title}`);
  const rows: Row[] = [];
  const report: Report = { row: (variant, figures) => rows.push({ variant, figures }) };
  try {
    await bench.run(report);
  } finally {
    printTable(rows);
  }
  const setting = { bench: bench.name, node: process.version, cpus: availableParallelism() };
  for (const { variant, figures } of rows) console.log(JSON.stringify({ ...setting, variant, ...figures }));
}

/** A table per set of columns, so that rows of different kinds do not widen each other. */
function printTable(rows: readonly Row[]): void {
  const byColumns = Map.groupBy(rows, ({ figures }) => Object.keys(figures).join());
  for (const group of byColumns.values()) {
    const columns = Object.keys(group[0]?.figures ?? {});
    const lines = [
      ['', ...columns],
      ...group.map(({ variant, figures }) => [variant, ...columns.map((name) => cell(figures[name]))]),
    ];
    const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
    for (const line of lines) {
      const cells = line.map((text, column) =>
        column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
      );
      console.log(`  ${cells.join('  ')}`);
    }
    console.log('');
  }
}

function cell(value: number | string | undefined): string {
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 3 }) : (value ?? '');
}

/** @returns the exit status: 1 when a gate failed or a name is unknown */
async function main(given: readonly string[]): Promise<number> {
  const names = given.includes('all') ? benches.map(({ name }) => name) : given;
  const programs = [...benches, kubernetesBench, nacosBench, gatesBench, profileBench];
  const unknown = names.filter((name) => !programs.some((bench) => bench.name === name));
  if (names.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.error(`There is no benchmark ${unknown.join(', ')}.`);
    console.log('Benchmarks (npm run bench -- NAME…, or all):');
    for (const { name, title } of programs) console.log(`  ${name.padEnd(14)} ${title}`);
    return unknown.length > 0 ? 1 : 0;
  }
  console.log(`Node ${process.version}, ${availableParallelism()} CPUs`);
  try {
    for (const bench of programs) if (names.includes(bench.name)) await runBench(bench);
    return 0;
  } catch (error) {
    if (!(error instanceof GateError)) throw error;
    console.error(error.message);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
