import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../../../package.json' with { type: 'json' };
import { ManualTimedClock } from '../../../../test/support/timed-clocks.ts';
import type { ApiCluster } from './cluster.ts';
import { credentialSource } from './credentials.ts';
import { inCluster } from './in-cluster.ts';
import { readKubeconfig, readKubeconfigFiles, type KubeconfigOptions } from './kubeconfig.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-kubeconfig-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** JSON is YAML. */
function aKubeconfig(cluster: object, user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [
      { name: 'here', context: { cluster: 'one', user: 'me', namespace: 'shop' } },
      { name: 'lost', context: { cluster: 'none', user: 'me' } },
      { name: 'nobody', context: { cluster: 'one', user: 'ghost' } },
    ],
    clusters: [{ name: 'one', cluster: { server: 'https://10.0.0.1:6443/', ...cluster } }],
    users: [{ name: 'me', user }],
  });
}

async function clusterOf(text: string, options?: KubeconfigOptions): Promise<ApiCluster> {
  const reading = readKubeconfig(text, options);
  if (reading.kind === 'invalid') throw new Error(JSON.stringify(reading.violations));
  return reading.value;
}

async function complaints(text: string, options?: KubeconfigOptions): Promise<string[]> {
  const reading = readKubeconfig(text, options);
  return reading.kind === 'valid'
    ? []
    : reading.violations.map(({ code, path, message }) => `${code} ${path}: ${message}`);
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a kubeconfig', () => {
  it('says where the cluster is and why to trust it', async () => {
    const cluster = { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'api' };
    const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
    expect(await clusterOf(aKubeconfig(cluster, user))).toEqual({
      server: 'https://10.0.0.1:6443',
      authorities: { kind: 'text', text: 'CA' },
      tlsServerName: 'api',
      clientCertificate: { certificate: { kind: 'text', text: 'CERT' }, key: { kind: 'text', text: 'KEY' } },
      namespace: 'shop',
      credentials: { kind: 'none' },
    });
  });

  it('names files from where it lies', async () => {
    const path = join(directory, 'config');
    const cluster = { 'certificate-authority': 'pki/ca.crt', 'insecure-skip-tls-verify': false };
    const user = { 'client-certificate': '/etc/me.crt', 'client-key': 'me.key', tokenFile: 'token' };
    await writeFile(path, aKubeconfig(cluster, user));
    expect(await readKubeconfigFiles([path])).toMatchObject({
      value: {
        authorities: { kind: 'file', path: join(directory, 'pki/ca.crt') },
        clientCertificate: { certificate: { path: '/etc/me.crt' }, key: { path: join(directory, 'me.key') } },
        credentials: { kind: 'token-file', path: join(directory, 'token') },
      },
    });
    await expect(readKubeconfigFiles([join(directory, 'none')])).rejects.toMatchObject({ failure: 'credentials' });
  });

  it('of several files names files from where each of them lies', async () => {
    const [one, two] = [join(directory, 'one'), join(directory, 'two')];
    await mkdir(one);
    await mkdir(two);
    const whole = JSON.parse(aKubeconfig({ 'certificate-authority': 'ca.crt' }, { tokenFile: 'token' })) as object;
    const { users, ...others } = whole as { readonly users: unknown };
    await writeFile(join(one, 'config'), JSON.stringify(others));
    await writeFile(join(two, 'config'), JSON.stringify({ users }));
    expect(await readKubeconfigFiles([join(one, 'config'), join(two, 'config')])).toMatchObject({
      value: {
        authorities: { path: join(one, 'ca.crt') },
        credentials: { kind: 'token-file', path: join(two, 'token') },
      },
    });
  });

  it.each([
    [{ token: 'abc' }, { kind: 'token', token: 'abc' }],
    [
      { username: 'me', password: 'pass' },
      { kind: 'basic', username: 'me', password: 'pass' },
    ],
    [{}, { kind: 'none' }],
    [null, { kind: 'none' }],
  ])('gives the credentials of %j', async (user, credentials) => {
    expect((await clusterOf(aKubeconfig({}, user as object))).credentials).toEqual(credentials);
  });

  it('leaves its login flows to the library', async () => {
    const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile: join(directory, 'provided') } } };
    await writeFile(join(directory, 'provided'), 'from-provider');
    const { credentials } = await clusterOf(aKubeconfig({}, user));
    expect(await credentialSource(credentials, new ManualTimedClock(), {}).current()).toEqual({
      authorization: 'Bearer from-provider',
    });
  });

  it('is refused with every mistake and its place', async () => {
    const good = aKubeconfig({}, {});
    expect(await complaints(good, { context: 'elsewhere' })).toEqual([
      'WEIR2102 current-context: there is no context elsewhere',
    ]);
    expect(await complaints(good, { context: 'lost' })).toEqual([
      'WEIR2102 contexts[1].context.cluster: there is no cluster none',
    ]);
    expect(await complaints(good, { context: 'nobody' })).toEqual([
      'WEIR2102 contexts[2].context.user: there is no user ghost',
    ]);
    expect(await complaints(aKubeconfig({ server: 'ftp://x', 'proxy-url': 'socks5://p' }, { as: 'root' }))).toEqual([
      'WEIR2102 clusters[0].cluster.proxy-url: "socks5://p" is no address of an HTTP proxy',
      'WEIR2102 users[0].user.as: as is not supported',
      'WEIR2102 clusters[0].cluster.server: "ftp://x" is no address of an API server',
    ]);
    expect(await complaints('a: [')).toEqual([expect.stringContaining('WEIR2102 : the kubeconfig is not YAML')]);
    expect(await complaints('clusters: 5')).toEqual([expect.stringContaining('WEIR1002 clusters:')]);
    expect(await complaints('')).toHaveLength(1);
  });

  it('of somebody else may not reach into this machine (kubernetes/K115)', async () => {
    const foreign = { isForeign: true };
    const cluster = {
      server: 'http://10.0.0.1',
      'certificate-authority': '/etc/ca',
      'insecure-skip-tls-verify': true,
      'proxy-url': 'http://169.254.169.254',
    };
    const user = {
      exec: { command: 'rm', apiVersion: 'client.authentication.k8s.io/v1' },
      'auth-provider': { name: 'gcp', config: { 'cmd-path': 'rm' } },
      'client-certificate': '/a',
      'client-key': '/b',
      tokenFile: '/c',
    };
    expect((await complaints(aKubeconfig(cluster, user), foreign)).map((text) => text.split(':')[0])).toEqual([
      'WEIR2101 clusters[0].cluster.certificate-authority',
      'WEIR2101 clusters[0].cluster.insecure-skip-tls-verify',
      'WEIR2101 clusters[0].cluster.proxy-url',
      'WEIR2101 clusters[0].cluster.server',
      'WEIR2101 users[0].user.exec',
      'WEIR2101 users[0].user.auth-provider',
      'WEIR2101 users[0].user.client-certificate',
      'WEIR2101 users[0].user.client-key',
      'WEIR2101 users[0].user.tokenFile',
      'WEIR2102 clusters[0].cluster.proxy-url',
    ]);
    const inline = { 'certificate-authority-data': base64('CA') };
    expect(await complaints(aKubeconfig(inline, { token: 'abc' }), foreign)).toEqual([]);
  });
});

describe('a credential plug-in', () => {
  const program = `
    const { existsSync, readFileSync, writeFileSync } = require('node:fs');
    const path = process.argv[1];
    const count = existsSync(path) ? Number(readFileSync(path, 'utf8')) + 1 : 1;
    writeFileSync(path, String(count));
    const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
    const expirationTimestamp = process.env.EXPIRES;
    const status = { token: [count, process.env.REGION, spec.cluster.server].join(' '), expirationTimestamp };
    if (process.env.FAILS) process.exit(3);
    console.log(JSON.stringify({ kind: 'ExecCredential', status }));
  `;

  async function aPlugIn(env: Readonly<Record<string, string>>) {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'node',
      args: ['-e', program, join(directory, `count-${Math.random()}`)],
      env: Object.entries({ REGION: 'north', ...env }).map(([name, value]) => ({ name, value })),
      provideClusterInfo: true,
      installHint: 'install it',
    };
    const { credentials } = await clusterOf(aKubeconfig({}, { exec }));
    const clock = new ManualTimedClock();
    const source = credentialSource(credentials, clock, process.env);
    return { source, clock, current: async () => (await source.current()).authorization };
  }

  it('is asked again before its credential expires, and when it is refused (kubernetes/K8)', async () => {
    const expires = new Date(new ManualTimedClock().now() + 600_000).toISOString();
    const { source, clock, current } = await aPlugIn({ EXPIRES: expires });
    expect(await current()).toBe('Bearer 1 north https://10.0.0.1:6443/');
    expect(await current()).toMatch(/^Bearer 1 /);
    clock.advance(539_000);
    expect(await current()).toMatch(/^Bearer 1 /);
    clock.advance(1000);
    expect(await current()).toMatch(/^Bearer 2 /);
    source.refused();
    expect(await current()).toMatch(/^Bearer 3 /);
  });

  it('that fails is named, with what to do', async () => {
    const { source } = await aPlugIn({ FAILS: 'yes' });
    await expect(source.current()).rejects.toMatchObject({
      failure: 'credentials',
      message: expect.stringMatching(/^the credential plug-in node gives no credential: .*\(install it\)$/s),
    });
  });
});

describe('the Kubernetes library', () => {
  it('is pinned, and loads on the Node that we ask for (kubernetes/K1, kubernetes/K2)', async () => {
    const { dependencies, engines } = manifest;
    expect(dependencies['@kubernetes/client-node']).toMatch(/^2\.\d+\.[1-9]\d*$/);
    expect(engines.node).toBe('>=24');
    expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
    await expect(import('@kubernetes/client-node')).resolves.toHaveProperty('KubeConfig');
  });

  it('is loaded by nobody but who logs in by an `auth-provider` of a kubeconfig (kubernetes/K3)', async () => {
    const program = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({
        resolve: (specifier, context, next) => {
          if (specifier.includes('client-node')) loaded.push(specifier);
          return next(specifier, context);
        },
      });
      const { inCluster } = await import('./in-cluster.ts');
      const { createApiClient } = await import('./create-api-client.ts');
      const { readKubeconfig } = await import('./kubeconfig.ts');
      const cluster = await inCluster({ host: '127.0.0.1', port: '1', directory: process.argv[1] });
      const clock = { now: Date.now, monotonic: Date.now, after: () => () => undefined };
      createApiClient(cluster, { clock, userAgent: '', variables: {} });
      const { value } = readKubeconfig(process.argv[2]);
      const before = loaded.length;
      await value.credentials.authorization().catch(() => undefined);
      console.log(JSON.stringify([before, loaded.length]));
    `;
    await writeFile(join(directory, 'namespace'), 'weir-system');
    const kubeconfig = aKubeconfig({}, { 'auth-provider': { name: 'oidc', config: {} } });
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program, directory, kubeconfig], {
      cwd: import.meta.dirname,
    });
    expect(JSON.parse(stdout)).toEqual([0, 1]);
  });
});

describe('a pod', () => {
  it('finds its own cluster', async () => {
    await writeFile(join(directory, 'namespace'), 'weir-system\n');
    expect(await inCluster({ host: 'fd00::1', port: '443', directory })).toEqual({
      server: 'https://[fd00::1]:443',
      authorities: { kind: 'file', path: join(directory, 'ca.crt') },
      credentials: { kind: 'token-file', path: join(directory, 'token') },
      namespace: 'weir-system',
    });
    const elsewhere = inCluster({ host: '10.0.0.1', port: '443', directory: join(directory, 'none') });
    await expect(elsewhere).rejects.toMatchObject({ failure: 'credentials' });
  });
});
