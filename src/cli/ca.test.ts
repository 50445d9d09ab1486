import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anAuthority } from '../../test/support/authorities.ts';
import { DirectoryStore } from '../identity/directory-store.ts';
import { JoinTokenAuthenticator } from '../identity/join-tokens.ts';
import { run } from './run.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-ca-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function weir(line: string) {
  let [out, err] = ['', ''];
  const exitCode = await run({
    arguments: line.split(' '),
    environment: {},
    out: { write: (text) => (out += text), isTerminal: false, colours: false },
    err: { write: (text) => (err += text), isTerminal: false, colours: false },
    now: () => Date.now(),
    untilStopped: () => new AbortController().signal,
    onCrash: () => undefined,
  });
  return { exitCode, out, err };
}

async function anOpenAuthority() {
  const authority = anAuthority({ store: new DirectoryStore(directory) });
  await authority.open();
  return authority;
}

describe('weir ca', () => {
  it('prints the roots that hold', async () => {
    const { trustBundle } = await anOpenAuthority();
    const { exitCode, out } = await weir(`ca roots --ca-dir ${directory}`);
    expect(exitCode).toBe(0);
    expect(out).toBe(trustBundle);
    expect(new X509Certificate(out).ca).toBe(true);
  });

  it('has the root replaced, once', async () => {
    const authority = await anOpenAuthority();
    expect(await weir(`ca rotate --ca-dir ${directory}`)).toMatchObject({ exitCode: 0, out: '' });
    await authority.open();
    expect(authority.report?.rotation).toBe('requested');
    const again = await weir(`ca rotate --ca-dir ${directory}`);
    expect(again).toMatchObject({ exitCode: 1 });
    expect(again.err).toContain('is being replaced already');
  });

  it.each(['ca roots', 'ca rotate'])('%s says that there is no authority', async (command) => {
    const { exitCode, err } = await weir(`${command} --ca-dir ${directory}`);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/no authority|no root/);
  });

  it('wants to know where the authority is', async () => {
    expect(await weir('ca roots')).toMatchObject({ exitCode: 2, err: expect.stringContaining('--ca-dir') as string });
  });
});

describe('weir token', () => {
  const machine = '--namespace shop --service-account web --instance vm-7';

  it('prints a token by which the control plane knows the machine', async () => {
    const { exitCode, out } = await weir(`token --ca-dir ${directory} ${machine} --lifetime 1h`);
    expect(exitCode).toBe(0);
    // An Envoy sends its file as it is.
    expect(out).not.toMatch(/\s/);
    const authority = await anOpenAuthority();
    const authenticator = new JoinTokenAuthenticator({
      trustDomain: 'cluster.local',
      key: () => authority.tokenKey,
      clock: { now: () => Date.now() },
    });
    const identity = { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' };
    const authentication = await authenticator.authenticate({ token: out });
    expect(authentication).toMatchObject({ kind: 'caller', caller: { identity, instance: 'vm-7' } });
    const ends = authentication.kind === 'caller' ? authentication.caller.expiresAt : 0;
    expect(Math.abs(ends - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });

  it.each(['0s', '91d', '2161h', 'ever'])('refuses a lifetime of %s', async (lifetime) => {
    const { exitCode, err } = await weir(`token --ca-dir ${directory} ${machine} --lifetime ${lifetime}`);
    expect(exitCode).toBe(2);
    expect(err).toContain('2160h at most');
  });

  it('wants to know which machine it is for', async () => {
    expect(await weir(`token --ca-dir ${directory} --namespace shop`)).toMatchObject({ exitCode: 2 });
  });
});
