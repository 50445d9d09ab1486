import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** A network of this program's own, in which it can have any address; nothing of it is seen from outside. Linux, with `unshare` and `ip`. */

const isRoot = process.getuid?.() === 0;

/** Runs a program with Node.js in a new network in which all addresses of a range are this machine's. Gives its exit code. */
export async function runInOwnNetwork(
  range: string,
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const rights = isRoot ? [] : ['--user', '--map-root-user'];
  const setUp = `ip link set lo up && ip route add local ${range} dev lo && exec "$@"`;
  const inside = ['sh', '-c', setUp, 'sh', process.execPath, script, ...args];
  const child = spawn('unshare', [...rights, '--net', ...inside], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  // Ctrl-C reaches both of us; whoever has signalled only this one means the other.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', forward);
  process.on('SIGHUP', forward);
  const [code, signal] = (await once(child, 'exit').catch((error: unknown) => {
    throw new Error('a network of its own needs Linux and the commands unshare and ip', { cause: error });
  })) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
}

/** What to put before a command so that it runs where this program is. */
export function insideCommand(): readonly string[] {
  const rights = isRoot ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', String(process.pid), ...rights, '--net'];
}
