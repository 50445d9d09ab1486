import { appendFileSync } from 'node:fs';
import { env } from 'node:process';

/** Loaded into a program before its own code: writes down each stretch in which the event loop did not get to its timers. */

const intervalMs = 5;
const shortestMs = 20;
const file = env['WEIR_BENCH_TURNS'];

if (file !== undefined) {
  let [last, cpu] = [performance.now(), process.threadCpuUsage()];
  const look = (): void => {
    const now = performance.now();
    const late = now - last - intervalMs;
    const { user, system } = process.threadCpuUsage(cpu);
    if (late >= shortestMs)
      appendFileSync(file, `${Date.now()} ${late.toFixed(1)} ${((user + system) / 1000).toFixed(1)}\n`);
    [last, cpu] = [performance.now(), process.threadCpuUsage()];
  };
  setInterval(look, intervalMs).unref();
}
