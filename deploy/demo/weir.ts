import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { StatusReport } from '../../src/admin/status-report.ts';
import { adminUrl, askAdmin } from '../../src/cli/admin-request.ts';
import { Child } from './child.ts';

/** The `weir` command, used as a user would. */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const run = promisify(execFile);

/** `weir serve`, ready. */
export interface Weir {
  readonly child: Child;
  /** `host:port` of xDS. */
  readonly xds: string;
  /** URL of the admin interface, without a slash at the end. */
  readonly admin: string;
}

/** What its sidecars should have, and whether they have it. */
export interface Delivery {
  /** Changes whenever what any sidecar should have changes. */
  readonly version: string;
  /** A sidecar has not confirmed everything yet. */
  readonly isPending: boolean;
}

/** What `weir status` shows. */
export async function statusOf({ admin }: Weir): Promise<StatusReport> {
  return (await askAdmin(adminUrl('/status', admin))).json() as Promise<StatusReport>;
}

export async function deliveryOf(weir: Weir): Promise<Delivery> {
  const { proxies } = await statusOf(weir);
  const versions = proxies.map(({ nodeId, types }) => `${nodeId} ${types.map(({ version }) => version).join(' ')}`);
  return { version: versions.sort().join('\n'), isPending: proxies.some(({ state }) => state === 'pending') };
}

/** What a command of Weir prints. */
export async function weirPrints(...args: readonly string[]): Promise<string> {
  return (await run(launcher, args)).stdout;
}

/** Starts `weir serve` and waits until it is ready. Port 0 takes a free one. */
export async function startWeir(options: {
  /** Directory of YAML that is the mesh; undefined: the flags say where the mesh is. */
  readonly folder?: string;
  readonly logFile: string;
  /** Where xDS is served in the clear. */
  readonly xds?: string;
  /** Flags that say where and how xDS is served, in place of that. */
  readonly listen?: readonly string[];
  readonly admin?: string;
  /** A command that runs its arguments as a command, for example in another network namespace. */
  readonly prefix?: readonly string[];
  /** Further flags of `weir serve`. */
  readonly flags?: readonly string[];
}): Promise<Weir> {
  const {
    folder,
    logFile,
    xds = '127.0.0.1:0',
    listen = ['--xds-plaintext', xds],
    admin = '127.0.0.1:0',
    prefix = [],
    flags = [],
  } = options;
  const files = folder === undefined ? [] : ['--files', folder];
  const serve = ['serve', ...files, ...listen, '--admin', admin, ...flags];
  const [command = launcher, ...args] = [...prefix, launcher, ...serve];
  const child = new Child({ command, args, logFile, name: 'weir' });
  const [, boundXds = '', boundAdmin = ''] = await child.line(/ready: xds (\S+?:\d+).*admin (http:\/\/\S+?:\d+)/);
  return { child, xds: boundXds, admin: boundAdmin };
}

/** Whom a sidecar is for, and where Weir is. */
export interface BootstrapOptions {
  readonly workload: string;
  readonly namespace: string;
  /** Address of the pod. */
  readonly ip: string;
  /** `host:port` of Weir. */
  readonly xds: string;
  /** Flags by which the sidecar shows who it is. */
  readonly credentials?: readonly string[];
}

/** What `weir bootstrap` prints for a workload without iptables, whose application uses an HTTP proxy port. */
export function bootstrapOf(options: BootstrapOptions & { readonly httpProxyPort: number }): Promise<unknown> {
  return bootstrap(options, ['--interception', 'none', '--http-proxy-port', String(options.httpProxyPort)]);
}

/** What `weir bootstrap` prints for a workload whose connections are redirected. */
export function redirectBootstrapOf(options: BootstrapOptions): Promise<unknown> {
  return bootstrap(options, ['--interception', 'redirect']);
}

async function bootstrap(
  { workload, namespace, ip, xds, credentials = [] }: BootstrapOptions,
  interception: readonly string[],
): Promise<unknown> {
  const identity = ['--workload', workload, '--namespace', namespace, '--ip', ip];
  const place = ['--xds', xds, '--admin-port', '0'];
  return JSON.parse(await weirPrints('bootstrap', ...identity, ...interception, ...place, ...credentials));
}
