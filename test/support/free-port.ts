import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port for a server that cannot be told to take a free one. It is below those that systems hand out (from 32768 on), so that
 * nothing else is given it while the server is down.
 *
 * @param offsets every port at one of these distances from it is free as well
 */
export async function freePort(offsets: readonly number[]): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 11_000);
    const free = await Promise.all(offsets.map((offset) => isFree(port + offset)));
    if (free.every(Boolean)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
