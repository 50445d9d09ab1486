import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { settingKeys } from '../app/settings.ts';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function aFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function weir(line: string, environment: Readonly<Record<string, string>> = {}) {
  let [out, err] = ['', ''];
  const exitCode = await run({
    arguments: line === '' ? [] : line.split(' '),
    environment,
    out: { write: (text) => (out += text), isTerminal: false, colours: false },
    err: { write: (text) => (err += text), isTerminal: false, colours: false },
    now: () => 0,
    untilStopped: () => AbortSignal.abort(),
    onCrash: () => undefined,
  });
  return { exitCode, out, err };
}

const nodeId = 'sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local';

describe('help', () => {
  it.each([
    'serve',
    'bootstrap',
    'intercept',
    'status',
    'guard',
    'check',
    'authz check',
    'translate',
    'bench',
    'install',
    'install crds',
    'manifest',
  ])('of %s has examples', async (command) => {
    const { exitCode, out, err } = await weir(`${command} --help`);
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`\nExamples:\n  (.* )?weir ${command}\\b`));
  });

  it('of all lists the commands, on standard error when nothing was asked for', async () => {
    const asked = await weir('--help');
    expect([asked.exitCode, asked.err]).toEqual([0, '']);
    const unasked = await weir('');
    expect([unasked.exitCode, unasked.out]).toEqual([2, '']);
    expect(unasked.err).toBe(asked.out);
  });

  it('of serve names the flag, the variable and the default of every setting', async () => {
    const { out } = await weir('serve --help');
    const text = out.replaceAll(/\s+/g, ' ');
    expect(text).toContain('--admin <HOST:PORT>');
    expect(text).toContain('(default: 127.0.0.1:15014, env: WEIR_ADMIN)');
    expect(settingKeys.filter((key) => !text.includes(`--${kebab(key)} `))).toEqual([]);
  });
});

describe('wrong usage', () => {
  it.each([
    ['sreve', "weir: unknown command 'sreve'\n(Did you mean serve?)"],
    ['serve --adnim x', "weir: unknown option '--adnim'\n(Did you mean --admin?)"],
    ['serve', 'weir: there is nothing to serve: name directories of YAML by --files or WEIR_FILES'],
    ['serve --files a --admin 15014', 'weir: --admin must be HOST:PORT'],
    ['serve --files a --xds-plaintext 0.0.0.0:15010', 'weir: --xds-plaintext must be an address of this machine alone'],
    ['serve --files a --config nowhere.yaml', 'weir: nowhere.yaml cannot be read: ENOENT'],
    ['bootstrap', 'weir: the workload is not known: give --workload, --namespace, --ip, or its node id by --node'],
    ['bootstrap --workload web-1 --namespace shop', 'weir: the workload is not known: give --ip,'],
    [`bootstrap --node ${nodeId} --ip 10.0.0.7`, "weir: option '--node <ID>' cannot be used with option '--ip <IP>'"],
    ['bootstrap --node web', 'weir: --node must be sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.DOMAIN'],
    [`bootstrap --node ${nodeId} --labels web`, 'It must be name=value pairs with commas between them'],
    [`bootstrap --node ${nodeId} --xds 127.0.0.1`, 'It must be HOST:PORT'],
    [`bootstrap --node ${nodeId} --xds 127.0.0.1:0`, 'It must be HOST:PORT'],
    [`bootstrap --node ${nodeId} --token-file t`, 'without --root-certificate xDS is not encrypted'],
    [`bootstrap --node ${nodeId} --root-certificate r`, 'give --token-file, or --client-certificate and --client-key'],
    [`bootstrap --node ${nodeId} --token-file t --client-key k`, "cannot be used with option '--client-key <FILE>'"],
    ['intercept --exclude-inbound-ports 0', 'It must be ports from 1 to 65535'],
    ['intercept --exclude-outbound-cidrs 10.0.0.0/33', 'It must be addresses or CIDRs'],
    ['intercept --exclude-interfaces {}', 'It must be names of interfaces'],
    ['intercept --ip-families ipv5', 'It must be ipv4, ipv6 or both'],
    ['intercept --proxy-uid envoy', 'It must be numbers of users or groups'],
    [`bootstrap --node ${nodeId} --admin-port 70000`, 'It must be a port from 0 to 65535'],
    [`bootstrap --node ${nodeId} --bound-addresses 127.0.0.1`, 'It must be a CIDR'],
    [`bootstrap --node ${nodeId} --locality a/b/c/d`, 'It must be REGION/ZONE/SUBZONE'],
    [`bootstrap --node ${nodeId} --interception tproxy`, 'Allowed choices are redirect, none'],
    ['bootstrap --workload Web --namespace shop --ip 10.0.0.7', 'It must be a name of lower case letters'],
    ['bootstrap --workload web --namespace shop --ip 10.0.0', 'It must be an IP address'],
    ['translate --files .', "weir: required option '--node <FILE|ID>' not specified"],
    ['translate --node x', "weir: required option '--files <DIR...>' not specified"],
    ['translate --files . --node nowhere.json', 'is neither a node id'],
    ['translate --files . --node router~10.0.0.7~gw.a~a.svc.x', "proxies of type 'router' are not served"],
    ['check', "weir: required option '--files <DIR...>' not specified"],
    ['status --admin http://', 'weir: --admin must be a URL or HOST:PORT'],
    ['status -o wide', 'Allowed choices are text, json'],
  ])('%s', async (line, message) => {
    const { exitCode, out, err } = await weir(line);
    expect(err).toContain(message);
    expect([exitCode, out]).toEqual([2, '']);
  });

  it('of the environment names the variable', async () => {
    const { exitCode, err } = await weir('serve --files a', { WEIR_LOG_LEVEL: 'loud' });
    expect([exitCode, err]).toEqual([2, 'weir: WEIR_LOG_LEVEL must be one of error, warn, info, debug\n']);
  });

  it('of a node file that is not JSON says so', async () => {
    const { exitCode, err } = await weir(`translate --files . --node ${aFile('node.txt', 'id: x')}`);
    expect(exitCode).toBe(2);
    expect(err).toContain('is not JSON');
  });
});

describe('what is out of reach', () => {
  it('is 69 when no Weir answers, with the way out', async () => {
    const { exitCode, out, err } = await weir('status --admin 127.0.0.1:1');
    expect([exitCode, out]).toEqual([69, '']);
    expect(err).toMatch(/^weir: no Weir answers at http:\/\/127\.0\.0\.1:1 \(.+\): is it running\? --admin names/);
  });

  it.each(['check --files', `translate --node ${nodeId} --files`, 'serve --admin 127.0.0.1:0 --files'])(
    'is 1 for a directory that is missing: %s',
    async (line) => {
      const { exitCode, out, err } = await weir(`${line} ${folder}/nowhere`);
      expect([exitCode, out]).toEqual([1, '']);
      expect(err).toContain(`weir: the directory ${folder}/nowhere does not exist: create it, or correct the path\n`);
    },
  );
});

describe('bootstrap', () => {
  it('prints one JSON document (xds-protocol/X322)', async () => {
    const { exitCode, out, err } = await weir(
      'bootstrap --workload web-1 --namespace shop --ip 10.0.0.7 --labels app=web,version=v1 --service-account web ' +
        '--interception none --http-proxy-port 15080 --bound-addresses 127.40.0.0/16 --locality eu/eu-1 --admin-port 15001',
    );
    expect([exitCode, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({
      node: {
        id: nodeId,
        locality: { region: 'eu', zone: 'eu-1' },
        metadata: { LABELS: { app: 'web', version: 'v1' }, SERVICE_ACCOUNT: 'web', INTERCEPTION_MODE: 'NONE' },
      },
      admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 15001 } } },
    });
  });

  it('is the same for a node id and for its parts', async () => {
    const byId = await weir(`bootstrap --node ${nodeId}`);
    const byParts = await weir('bootstrap --workload web-1 --namespace shop --ip 10.0.0.7');
    expect(byId).toEqual(byParts);
  });
});

function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
