import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nftFolder } from './nft.ts';

/**
 * A network namespace that stands for a pod: an own loopback and one cable to this machine, with addresses of both families. Needs root
 * on Linux and the commands `ip`, `setpriv`, `curl`, and nft, which is fetched; installs nothing.
 */

const run = promisify(execFile);
const weir = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const applicationUser = 4242;
/** As what a sidecar runs in a pod. A user of another name could not read what a test writes for it. */
const sidecarGroup = 1337;

export class NetworkNamespace {
  readonly name: string;
  /** This machine, seen from the pod. */
  readonly outside: string;
  /** The pod, seen from this machine. */
  readonly address: string;
  readonly outside6: string;
  readonly address6: string;

  private constructor(number: number) {
    this.name = `weir${number}`;
    // A block of four addresses for each number, out of those set aside for tests of networks (RFC 2544).
    const block = (number % 16_384) * 4;
    const prefix = `198.18.${block >> 8}`;
    this.outside = `${prefix}.${(block & 255) + 1}`;
    this.address = `${prefix}.${(block & 255) + 2}`;
    const prefix6 = `fd00:198:18:${(number % 65_536).toString(16)}`;
    [this.outside6, this.address6] = [`${prefix6}::1`, `${prefix6}::2`];
  }

  /**
   * Makes the namespace; `remove` takes it away again.
   *
   * @param number tells the namespaces of one machine apart: a process id will do
   * @throws what the first command that failed said, when the machine or the user cannot do this
   */
  static async create(number: number): Promise<NetworkNamespace> {
    const namespace = new NetworkNamespace(number);
    const { name } = namespace;
    const [outer, inner] = [`${name}-out`, `${name}-in`];
    await run('ip', ['netns', 'add', name]);
    try {
      await run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name]);
      await run('ip', ['address', 'add', `${namespace.outside}/30`, 'dev', outer]);
      await run('ip', ['link', 'set', outer, 'up']);
      await namespace.run('ip', 'address', 'add', `${namespace.address}/30`, 'dev', inner);
      await namespace.run('ip', 'link', 'set', 'lo', 'up');
      await namespace.run('ip', 'link', 'set', inner, 'up');
      await namespace.run('ip', 'route', 'add', 'default', 'via', namespace.outside);
      // Without waiting for somebody who has the same address.
      await run('ip', ['address', 'add', `${namespace.outside6}/64`, 'dev', outer, 'nodad']);
      await namespace.run('ip', 'address', 'add', `${namespace.address6}/64`, 'dev', inner, 'nodad');
      await namespace.run('ip', '-6', 'route', 'add', 'default', 'via', namespace.outside6);
      await namespace.runAsApplication('curl', '--version');
      return namespace;
    } catch (error) {
      await namespace.remove();
      throw error;
    }
  }

  /** A cable between two pods, so that nothing of this machine forwards what one sends the other. */
  async connect(other: NetworkNamespace): Promise<void> {
    const [here, there] = [
      `${this.name}-${other.name.slice(4)}`.slice(-15),
      `${other.name}-${this.name.slice(4)}`.slice(-15),
    ];
    await run('ip', [
      'link',
      'add',
      here,
      'netns',
      this.name,
      'type',
      'veth',
      'peer',
      'name',
      there,
      'netns',
      other.name,
    ]);
    for (const [namespace, device, peer] of [
      [this, here, other],
      [other, there, this],
    ] as const) {
      // What comes in by a device without an address cannot be redirected.
      await namespace.run('ip', 'address', 'add', `${namespace.address}/32`, 'dev', device);
      await namespace.run('ip', 'link', 'set', device, 'up');
      await namespace.run('ip', 'route', 'add', `${peer.address}/32`, 'dev', device, 'src', namespace.address);
    }
  }

  /** What to put before a command so that it runs inside. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** The same for a sidecar, whose connections are not intercepted. */
  get sidecarPrefix(): readonly string[] {
    return [...this.prefix, 'setpriv', '--regid', String(sidecarGroup), '--clear-groups'];
  }

  /** The same for an application, which may not change the network. */
  get applicationPrefix(): readonly string[] {
    return [...this.prefix, 'setpriv', '--reuid', String(applicationUser), '--clear-groups'];
  }

  /** `weir intercept` inside. */
  async intercept(...flags: readonly string[]): Promise<void> {
    await this.run('env', await this.nftPath(), weir, 'intercept', ...flags);
  }

  /** The variable PATH, with nft on it. */
  async nftPath(): Promise<string> {
    return `PATH=${await nftFolder(env)}${delimiter}${env['PATH'] ?? ''}`;
  }

  /** Runs a command inside and gives what it printed. */
  async run(command: string, ...args: readonly string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.name, command, ...args])).stdout;
  }

  /** Runs a command as one of the application, which may not change the network. */
  runAsApplication(command: string, ...args: readonly string[]): Promise<string> {
    return this.run('setpriv', '--reuid', String(applicationUser), '--clear-groups', command, ...args);
  }

  async remove(): Promise<void> {
    // The cable goes with its inner end.
    await run('ip', ['netns', 'delete', this.name]);
  }
}
