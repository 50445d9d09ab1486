import { readFile } from 'node:fs/promises';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { rounded } from './report.ts';

/** How long a program of Node was busy at a stretch, told by the program itself. */

export interface RecordedTurns {
  /** Before the command. */
  readonly prefix: readonly string[];
  readonly file: string;
}

const recorder = fileURLToPath(new URL('./turn-recorder.ts', import.meta.url));

/** @param file that is written while the program runs */
export function recordTurns(file: string): RecordedTurns {
  const options = `--import=${recorder} ${env['WEIR_BENCH_NODE_ARGUMENTS'] ?? ''}`;
  return { file, prefix: ['env', `NODE_OPTIONS=${options}`, `WEIR_BENCH_TURNS=${file}`] };
}

/**
 * The longest turn since a moment: as the clock saw it, which on a busy machine is the time of others, too; and the longest by the
 * processor's time.
 *
 * @param since milliseconds since 1970
 */
export async function longestTurn({ file }: RecordedTurns, since: number) {
  const lines = (await readFile(file, 'utf8').catch(() => '')).trim().split('\n');
  const later = lines.map((line) => line.split(' ').map(Number)).filter(([at = 0]) => at >= since);
  const longest = (column: number): number => rounded(Math.max(0, ...later.map((turn) => turn[column] ?? 0)));
  return { longestBlockMs: longest(1), longestBlockCpuMs: longest(2) };
}
