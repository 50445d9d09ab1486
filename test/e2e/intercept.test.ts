import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../../deploy/demo/child.ts';
import { announceSkip } from '../support/envoy.ts';
import { NetworkNamespace } from '../support/network-namespace.ts';

/**
 * What `weir intercept` does to connections, without an Envoy: whoever answers says at which port. On 15001 and 15006 something answers in
 * the pod, where an Envoy would; everything else is what was dialled.
 */

const program = fileURLToPath(new URL('../support/answering-ports.ts', import.meta.url));
const ports = { application: '8080', excluded: '9090', outside: '7070', outsideExcluded: '7071' };

const pod = await NetworkNamespace.create(pid + 1).then(
  async (made) => {
    await made.intercept();
    return made;
  },
  (error: unknown) => {
    announceSkip('weir intercept', `no network namespace with redirection here: ${String(error)}`);
    return undefined;
  },
);

describe.skipIf(pod === undefined)('weir intercept', () => {
  const namespace = pod as NetworkNamespace;
  let scratch: string;
  const children: Child[] = [];

  const listen = async (name: string, prefix: readonly string[], host: string, ...listening: readonly string[]) => {
    const [command = '', ...args] = [...prefix, process.execPath, program, host, ...listening];
    const child = new Child({ command, args, name, logFile: join(scratch, `${name}.log`) });
    children.push(child);
    await child.line(/listening/);
  };

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'weir-intercept-'));
    await listen('pod', namespace.prefix, '::', '15001', '15006', ports.application, ports.excluded);
    await listen('outside', [], namespace.outside, ports.outside, ports.outsideExcluded);
    await listen('outside6', [], namespace.outside6, ports.outside, ports.outsideExcluded);
  });
  afterAll(async () => {
    for (const child of children) await child.stop();
    await namespace.remove();
    await rm(scratch, { recursive: true, force: true });
  });

  const telnet = (host: string, port: string) => ['--silent', '--max-time', '5', '--http0.9', `http://${host}:${port}`];
  const hostIn = (host: string): string => (host.includes(':') ? `[${host}]` : host);
  const outbound = async (host: string, port: string): Promise<string> =>
    (await namespace.runAsApplication('curl', ...telnet(hostIn(host), port))).trim();
  const asSidecar = async (host: string, port: string): Promise<string> => {
    const [, , , , ...inside] = [...namespace.sidecarPrefix, 'curl', ...telnet(hostIn(host), port)];
    const [command = '', ...args] = inside;
    return (await namespace.run(command, ...args)).trim();
  };
  const inbound = async (host: string, port: string): Promise<string> => {
    const socket = connect({ host, port: Number(port) });
    await once(socket, 'connect');
    return (await text(socket)).trim();
  };

  describe.each([
    ['IPv4', namespace?.outside, namespace?.address, '127.0.0.1'],
    ['IPv6', namespace?.outside6, namespace?.address6, '::1'],
  ])('of %s', (_family, outside = '', address = '', loopback = '') => {
    it('sends what the workload dials and what dials it to the Envoy, and nothing else (istio-compat/I95, policy/P348)', async () => {
      await namespace.intercept();
      expect(await outbound(outside, ports.outside)).toBe('15001');
      expect(await inbound(address, ports.application)).toBe('15006');
      expect(await asSidecar(outside, ports.outside)).toBe(ports.outside);
      expect(await asSidecar(loopback, ports.application)).toBe(ports.application);
      expect(await asSidecar(address, ports.application)).toBe('15006');
      expect(await outbound(address, ports.application)).toBe(ports.application);
      expect(await outbound(loopback, ports.application)).toBe(ports.application);
    });

    it('leaves alone what it is told to, until it is told otherwise', async () => {
      await namespace.intercept(
        ...['--exclude-outbound-ports', ports.outsideExcluded, '--exclude-inbound-ports', ports.excluded],
      );
      expect(await outbound(outside, ports.outside)).toBe('15001');
      expect(await outbound(outside, ports.outsideExcluded)).toBe(ports.outsideExcluded);
      expect(await inbound(address, ports.application)).toBe('15006');
      expect(await inbound(address, ports.excluded)).toBe(ports.excluded);
      await namespace.intercept('--exclude-outbound-cidrs', outside, '--include-inbound-ports', ports.excluded);
      expect(await outbound(outside, ports.outside)).toBe(ports.outside);
      expect(await inbound(address, ports.application)).toBe(ports.application);
      expect(await inbound(address, ports.excluded)).toBe('15006');
    });

    it('takes its rules away, also where there are none', async () => {
      await namespace.intercept();
      await namespace.intercept('--clean');
      await namespace.intercept('--clean');
      expect(await outbound(outside, ports.outside)).toBe(ports.outside);
      expect(await inbound(address, ports.application)).toBe(ports.application);
    });
  });

  it('leaves one family alone', async () => {
    await namespace.intercept('--ip-families', 'ipv4');
    expect(await outbound(namespace.outside, ports.outside)).toBe('15001');
    expect(await outbound(namespace.outside6, ports.outside)).toBe(ports.outside);
  });

  it('says what it needs where it may not change the network', async () => {
    const weir = fileURLToPath(new URL('../../bin/weir', import.meta.url));
    const path = await namespace.nftPath();
    const without = ['--bounding-set', '-net_admin', 'env', path, weir, 'intercept'];
    await expect(namespace.run('setpriv', ...without)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('give it the capability NET_ADMIN and run it as root') as string,
    });
  });
});
