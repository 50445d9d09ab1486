import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { rounded, type Bench } from './report.ts';

/**
 * Where the time of servers went, by kind of work and by function (hot-path H1323): reads the folder of `--cpu-prof` files that
 * `WEIR_BENCH_PROFILES` names.
 */

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const mostFunctions = 15;

export const profileBench: Bench = {
  name: 'profile',
  title: 'where the time went: reads the *.cpuprofile files of the folder WEIR_BENCH_PROFILES',
  run: (report) => {
    const folder = env['WEIR_BENCH_PROFILES'];
    const files = folder === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
    const categories = new Map<string, number>();
    const functions = new Map<string, number>();
    for (const file of files) {
      const profile = JSON.parse(readFileSync(join(folder ?? '', file), 'utf8')) as Profile;
      const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
      for (const [index, sample] of profile.samples.entries()) {
        const frame = frames.get(sample);
        if (frame === undefined || frame.functionName === '(idle)') continue;
        const time = profile.timeDeltas[index] ?? 0;
        const place = frame.url.split('/').slice(-2).join('/');
        add(categories, categoryOf(frame.functionName, frame.url), time);
        add(functions, `${frame.functionName || '(anonymous)'} ${place}:${frame.lineNumber + 1}`, time);
      }
    }
    const total = [...categories.values()].reduce((sum, time) => sum + time, 0);
    const shares = (times: ReadonlyMap<string, number>) =>
      [...times]
        .toSorted(([, a], [, b]) => b - a)
        .map(([name, time]) => [name, rounded((100 * time) / total)] as const);
    for (const [category, percent] of shares(categories)) report.row(category, { percent });
    for (const [name, percent] of shares(functions).slice(0, mostFunctions)) report.row(name, { ofWhich: percent });
  },
};

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

/** The order decides: what a library does in Node's streams is Node's. */
function categoryOf(name: string, url: string): string {
  if (name === '(garbage collector)') return 'garbage collection';
  if (name.startsWith('write')) return 'writing';
  if (url.includes('node:internal/http2')) return 'http2 of Node';
  if (url.includes('node:internal/modules') || url.includes('esm/')) return 'loading of modules';
  if (url.startsWith('node:')) return 'rest of Node';
  if (url === '') return 'native';
  if (url.includes('grpc-js')) return 'grpc-js';
  if (url.includes('protobufjs')) return 'protobufjs';
  if (url.includes('node_modules')) return 'other libraries';
  return url.includes('/src/') ? `weir: ${url.split('/src/')[1]?.split('/')[0] ?? ''}` : 'rest';
}
