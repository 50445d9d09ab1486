import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { announceSkip, envoyForTests } from '../support/envoy.ts';

/** The commands of docs/how-to/install.md that need no cluster, run as they stand: keys by openssl, and an Envoy with a token. */

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'how-to', 'install.md'), 'utf8');

function commandsWith(word: string): string {
  const block = [...page.matchAll(/^```sh\n(.*?)^```/gms)]
    .map(([, text = '']) => text)
    .find((text) => text.includes(word));
  if (block === undefined) throw new Error(`the page has no commands with ${word}`);
  return block;
}

const binary = await envoyForTests();
const canRun = await run('sh', ['-c', 'openssl version']).then(
  () => true,
  () => false,
);
if (!canRun) announceSkip('the commands of the installation page', 'there is no openssl');

describe.skipIf(binary === undefined || !canRun)('the page on installation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-install-page-'));
  const place = (name: string): string => join(folder, name);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function shell(commands: string): Promise<void> {
    const PATH = `${join(root, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}`;
    await run('sh', ['-ec', commands], { cwd: folder, env: { ...process.env, PATH } });
  }

  it('makes keys that Weir takes, and a token and a bootstrap with which an Envoy is served over TLS', async () => {
    await shell(commandsWith('openssl req'));
    mkdirSync(place('mesh'));
    writeFileSync(place('mesh/web.yaml'), service);
    const xds = ['--xds-tls', '127.0.0.1:0', '--ca-dir', place('ca')];
    const webhook = ['--webhook', '127.0.0.1:0', '--webhook-cert', place('tls.crt'), '--webhook-key', place('tls.key')];
    const serve = ['serve', '--files', place('mesh'), '--admin', '127.0.0.1:0', ...xds, ...webhook];
    const weir = spawn(join(root, 'bin', 'weir'), serve, { stdio: ['ignore', 'pipe', 'ignore'] });
    let envoy: Envoy | undefined;
    try {
      const [line] = (await once(createInterface({ input: weir.stdout }), 'line')) as [string];
      expect(line).toContain('webhook https://127.0.0.1:');
      const address = /xds (127\.0\.0\.1:\d+) \(TLS\)/.exec(line)?.[1] ?? '';
      // Without the ports that only the one Envoy of a pod can have.
      const commands = commandsWith('weir token')
        .replaceAll('/etc/weir', folder)
        .replaceAll('--ca-secret weir-system/weir-ca', `--ca-dir ${place('ca')}`)
        .replace('--xds weir.weir-system.svc:15012', `--xds ${address} --interception none --admin-port 0`);
      await shell(commands);
      const bootstrap = JSON.parse(readFileSync(place('web.json'), 'utf8')) as object;
      envoy = await Envoy.start({ binary: binary!, bootstrap, name: 'envoy', logFile: place('envoy.log') });
      await envoy.ready(AbortSignal.timeout(15_000));
      expect(await envoy.text('/clusters')).toContain('outbound|80||web.shop.svc.cluster.local');
    } finally {
      await envoy?.stop();
      weir.kill('SIGTERM');
      await once(weir, 'close');
    }
  }, 60_000);
});

const service = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.10, ports: [{ name: http, port: 80 }] }
`;
