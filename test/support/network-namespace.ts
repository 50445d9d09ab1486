import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * A network namespace that stands for a pod: an own loopback, one cable to this machine, and the rules that send an
 * application's traffic to its sidecar. Needs root on Linux and the commands `ip`, `setpriv`, `curl` and `python3`; installs nothing.
 */

export interface NamespacePorts {
  /** Where the sidecar takes outbound connections. */
  readonly outbound: number;
  /** Where it takes inbound ones. */
  readonly inbound: number;
  /** What the application listens on. */
  readonly application: number;
}

const run = promisify(execFile);
const rules = fileURLToPath(new URL('redirect-rules.py', import.meta.url));
/** Connections of this user go to the sidecar; everything else in the namespace is the sidecar's side. */
const applicationUser = 4242;

export class NetworkNamespace {
  readonly name: string;
  /** This machine, seen from the pod. */
  readonly outside: string;
  /** The pod, seen from this machine. */
  readonly address: string;

  private constructor(number: number) {
    this.name = `weir${number}`;
    // A block of four addresses for each number, out of those set aside for tests of networks (RFC 2544).
    const block = (number % 16_384) * 4;
    const prefix = `198.18.${block >> 8}`;
    this.outside = `${prefix}.${(block & 255) + 1}`;
    this.address = `${prefix}.${(block & 255) + 2}`;
  }

  /**
   * Makes the namespace; `remove` takes it away again.
   *
   * @param number tells the namespaces of one machine apart: a process id will do
   * @throws what the first command that failed said, when the machine or the user cannot do this
   */
  static async create(number: number, ports: NamespacePorts): Promise<NetworkNamespace> {
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
      const { outbound, application, inbound } = ports;
      await namespace.run('python3', rules, ...[applicationUser, outbound, application, inbound].map(String));
      await namespace.runAsApplication('curl', '--version');
      return namespace;
    } catch (error) {
      await namespace.remove();
      throw error;
    }
  }

  /** What to put before a command so that it runs inside. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs a command inside and gives what it printed. */
  async run(command: string, ...args: readonly string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.name, command, ...args])).stdout;
  }

  /** Runs a command as the application, whose connections are intercepted. */
  runAsApplication(command: string, ...args: readonly string[]): Promise<string> {
    return this.run('setpriv', '--reuid', String(applicationUser), '--clear-groups', command, ...args);
  }

  async remove(): Promise<void> {
    // The cable goes with its inner end.
    await run('ip', ['netns', 'delete', this.name]);
  }
}
