import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';

/** The command as users run it: the launcher, a process, its streams and its exit status. */

const launcher = new URL('../../bin/weir', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'weir-process-'));
const started: ChildProcessWithoutNullStreams[] = [];

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(...parameters: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(launcher, parameters, { env: { PATH: process.env['PATH'] } });
  started.push(child);
  return child;
}

function exitOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  return new Promise((resolve) => child.on('close', resolve));
}

async function weir(...parameters: readonly string[]) {
  const child = start(...parameters);
  const [out, err, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)]);
  return { out, err, exitCode };
}

/** Settles with everything a stream has said, as soon as that matches. */
function said(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = '';
    stream.on('data', (chunk: Buffer) => {
      all += chunk.toString();
      if (pattern.test(all)) resolve(all);
    });
    stream.on('end', () => reject(new Error(`ended without ${pattern.source}: ${all}`)));
  });
}

const service = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  clusterIP: 10.96.0.10
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
`;
const toNowhere = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec:
  hosts: [web]
  http:
  - route:
    - destination: { host: wbe }
`;

function aMesh(name: string, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(folder, `${name}-`));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content);
  return directory;
}

const nodeId = 'sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local';

describe('translate', () => {
  it('writes one document to standard output, whatever is wrong with the files', async () => {
    const mesh = aMesh('wrong', {
      'service.yaml': service,
      'routes.yaml': toNowhere,
      'broken.yaml': 'apiVersion: v1\nkind: [',
    });
    const { out, err, exitCode } = await weir('translate', '--files', mesh, '--node', nodeId);
    expect(exitCode).toBe(0);
    const document = JSON.parse(out) as Record<string, readonly { name?: string; clusterName?: string }[]>;
    expect(Object.keys(document)).toEqual(['clusters', 'endpoints', 'listeners', 'routes', 'secrets']);
    expect(document['clusters']?.map(({ name }) => name)).toContain('outbound|80||web.shop.svc.cluster.local');
    expect(document['endpoints']?.map(({ clusterName }) => clusterName)).toContain(
      'outbound|80||web.shop.svc.cluster.local',
    );
    expect(document['routes']?.map(({ name }) => name)).toContain('80');
    expect(err).toMatch(/broken\.yaml:\d+: error WEIR\d+/);
    expect(err).toMatch(/routes\.yaml:\d+: warning IST0101 in VirtualService shop\/web/);
  });

  it('takes an empty directory as a mesh without services, a node file, and prints YAML', async () => {
    const node = join(folder, 'node.json');
    writeFileSync(
      node,
      JSON.stringify({ id: nodeId, metadata: { INTERCEPTION_MODE: 'NONE', HTTP_PROXY_PORT: '15080' } }),
    );
    const { out, err, exitCode } = await weir('translate', '--files', aMesh('empty', {}), '--node', node, '-o', 'yaml');
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(/^clusters:\n/);
    expect(out).toContain('\nsecrets: []\n');
  });

  it('says the same again', async () => {
    const mesh = aMesh('same', { 'service.yaml': service });
    const [first, second] = [
      await weir('translate', '--files', mesh, '--node', nodeId),
      await weir('translate', '--files', mesh, '--node', nodeId),
    ];
    expect(first.out).toBe(second.out);
  });
});

describe('check', () => {
  it('is 0 with nothing to say and with warnings, 1 with errors', async () => {
    const good = await weir('check', '--files', aMesh('good', { 'service.yaml': service }));
    expect(good).toEqual({ out: 'nothing is wrong\n', err: '', exitCode: 0 });
    const odd = await weir('check', '--files', aMesh('odd', { 'service.yaml': service, 'routes.yaml': toNowhere }));
    expect(odd.exitCode).toBe(0);
    expect(odd.out).toMatch(/routes\.yaml:9: warning IST0101[^]*\n0 errors, 1 warning\n$/);
    const bad = await weir('check', '--files', aMesh('bad', { 'a.yaml': 'kind: [' }), '-o', 'json');
    expect([bad.exitCode, bad.err]).toEqual([1, '']);
    expect(JSON.parse(bad.out)).toMatchObject([{ severity: 'error', line: 1 }]);
  });
});

describe('serve', () => {
  const readyLine = /^weir ready: xds (127\.0\.0\.1:\d+) \(plaintext\), admin (http:\/\/127\.0\.0\.1:\d+)\n$/;

  async function serve(directory: string) {
    const child = start('serve', '--files', directory, '--xds-plaintext', '127.0.0.1:0', '--admin', '127.0.0.1:0');
    const exit = exitOf(child);
    const log = text(child.stderr);
    const line = await said(child.stdout, /\n/);
    const [, xds = '', admin = ''] = readyLine.exec(line) ?? [];
    return { child, exit, log, line, xds, admin };
  }

  it('says its addresses in one line once it is ready, shows its state, and ends cleanly when told to', async () => {
    const directory = aMesh('served', { 'service.yaml': service, 'routes.yaml': toNowhere });
    const { child, exit, log, line, xds, admin } = await serve(directory);
    expect(line).toMatch(readyLine);
    expect((await fetch(`${admin}/ready`)).status).toBe(200);
    expect(await (await fetch(`${admin}/metrics`)).text()).toContain('pilot_services 1\n');

    const status = await weir('status', '--admin', admin);
    expect([status.exitCode, status.err]).toEqual([0, '']);
    expect(status.out).toMatch(/^weir \S+, ready, [^]*files +files +synced [^]*IST0101[^]*none is connected\n$/);
    const json = await weir('status', '--admin', admin, '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject({ readiness: { ready: true }, sources: [{ freshness: 'synced' }] });

    const second = await weir('serve', '--files', directory, '--xds-plaintext', xds, '--admin', '127.0.0.1:0');
    expect([second.exitCode, second.out]).toEqual([69, '']);
    expect(second.err).toContain(`weir: cannot listen on ${xds}: `);

    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    const entries = (await log)
      .trimEnd()
      .split('\n')
      .map((entry) => JSON.parse(entry) as Record<string, unknown>);
    expect(entries.filter(({ code }) => code === 'IST0101')).toHaveLength(1);
    expect(entries.at(-1)).toMatchObject({ level: 'info', message: 'stopped' });
  });

  it('logs a finding once when it appears and once when it is solved', async () => {
    const directory = aMesh('edited', { 'service.yaml': service });
    const child = start('serve', '--files', directory, '--admin', '127.0.0.1:0');
    await said(child.stdout, /^weir ready: xds off, admin http:\/\/127\.0\.0\.1:\d+\n$/);
    const appeared = said(child.stderr, /"code":"IST0101"/);
    writeFileSync(join(directory, 'routes.yaml'), toNowhere);
    expect(await appeared).toContain('an object may not mean what was meant');
    const solved = said(child.stderr, /a finding is solved/);
    writeFileSync(join(directory, 'routes.yaml'), toNowhere.replace('wbe', 'web'));
    await solved;
    const exit = exitOf(child);
    child.kill('SIGINT');
    expect(await exit).toBe(0);
  });
});
