import { once } from 'node:events';
import { ApiServer } from './api-server.ts';
import { runKubelet } from './kubelet.ts';
import { locateControlPlane } from './programs.ts';

/**
 * A control plane to play with: `node test/support/api-server/run.ts` prints one line of JSON when it is ready, and ends with
 * Ctrl-C, with SIGTERM, or when its standard input does.
 */

const programs = await locateControlPlane(process.env, (line) => process.stderr.write(`${line}\n`));
const started = performance.now();
const server = await ApiServer.start({ programs });
const stopping = new AbortController();
const looksAfterPods = runKubelet(server.client, stopping.signal);
const { url, kubeconfigPath: kubeconfig, token, ca, logs } = server;
const pids = Object.fromEntries(server.components.map((component) => [component, server.pid(component)]));
const readyMs = Math.round(performance.now() - started);
process.stdout.write(`${JSON.stringify({ url, kubeconfig, token, ca, pids, logs, readyMs, ...programs })}\n`);
process.stdin.resume();
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process.stdin, 'end')]);
process.stdin.destroy();
stopping.abort();
await looksAfterPods;
await server.stop();
