import { createServer } from 'node:net';

/** Says to each connection at which of the ports of its arguments it came in: `node answering-ports.ts HOST PORT...`. */

const [host = '::', ...ports] = process.argv.slice(2);
for (const port of ports) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`${port}\n`);
  });
  await new Promise<void>((resolve) => server.listen(Number(port), host, resolve));
}
process.stdout.write('listening\n');
