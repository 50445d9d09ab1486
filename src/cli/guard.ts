import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import type { GuardReport } from '../admin/guard.ts';
import type { Host } from '../app/host.ts';
import { settings } from '../app/settings.ts';
import { describeError } from '../observe/log.ts';
import { adminUrl, askAdmin, jsonOf } from './admin-request.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { table } from './table.ts';

interface ListFlags {
  readonly admin?: string;
  readonly output: 'text' | 'json';
}

interface ReleaseFlags {
  readonly admin?: string;
  readonly all?: true;
  readonly source?: string;
  readonly reason: string;
  readonly tokenFile?: string;
}

export function guardCommand(host: Host): Command {
  return new Command('guard')
    .summary('show and release what the removal budget holds')
    .description(
      'When a registry stops naming more endpoints at once than the removal budget covers, Weir holds them as degraded. These commands ' +
        'show them, and let go of those that are really gone.',
    )
    .addHelpText('after', examples)
    .addCommand(listCommand(host))
    .addCommand(releaseCommand(host));
}

function listCommand(host: Host): Command {
  return new Command('list')
    .summary('show which endpoints are held')
    .description(
      'Ask a running Weir for the endpoints that are held: of which source and service, since when, and until when.',
    )
    .addOption(adminOption())
    .addOption(new Option('-o, --output <FORMAT>', 'text or json').choices(['text', 'json']).default('text'))
    .action(async ({ admin, output }: ListFlags) => {
      const url = adminUrl('/guard', addressOf(host, admin));
      const report = (await jsonOf(url, await askAdmin(url))) as GuardReport;
      host.out.write(output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : listText(report));
    });
}

function releaseCommand(host: Host): Command {
  return new Command('release')
    .summary('let go of endpoints that are held')
    .description(
      'Let a running Weir forget the endpoints that it holds of a service, or all of them. It is in its audit trail.',
    )
    .argument('[SERVICE]', 'namespace/host, as weir guard list has it')
    .addOption(new Option('--all', 'of all services'))
    .addOption(new Option('--source <NAME>', 'only what this source does not name any more'))
    .addOption(new Option('--reason <TEXT>', 'why, for the audit trail').makeOptionMandatory())
    .addOption(
      new Option('--token-file <FILE>', `file with the token of its --admin-token-file (env: ${tokenVariable})`),
    )
    .addOption(adminOption())
    .addHelpText('after', examples)
    .action((service: string | undefined, flags: ReleaseFlags) => release(host, service, flags));
}

const tokenVariable = settings.adminTokenFile.variable;

const examples = `
Examples:
  weir guard list
  weir guard release shop/orders.default-group.public.nacos --reason "moved to Kubernetes"
  weir guard release --all --source nacos --reason "the old cluster is switched off"`;

async function release(host: Host, service: string | undefined, flags: ReleaseFlags): Promise<void> {
  const { admin, all = false, source, reason, tokenFile } = flags;
  if ((service === undefined) !== all) throw new CommandError(exitCodes.usage, 'name one service, or write --all');
  const url = adminUrl('/guard/release', addressOf(host, admin));
  const file = tokenFile ?? host.environment[tokenVariable];
  const token = file === undefined ? '' : await tokenIn(file);
  const body = JSON.stringify({ service, source, reason, who: userInfo().username, ...(all ? { all } : {}) });
  const response = await askAdmin(url, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body });
  if (response.status === 403) {
    const advice = `--token-file or ${tokenVariable} names the file that the Weir was given as --admin-token-file`;
    throw new CommandError(exitCodes.failure, `the Weir at ${url.origin} refuses: ${advice}`);
  }
  if (response.status === 400) throw new CommandError(exitCodes.usage, (await response.text()).trim());
  const { endpoints } = (await jsonOf(url, response)) as { readonly endpoints: number };
  host.out.write(`${endpoints} endpoints released\n`);
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CommandError(exitCodes.usage, `the token cannot be read: ${describeError(error)}`, error);
  }
}

function listText({ holds }: GuardReport): string {
  if (holds.length === 0) return 'nothing is held\n';
  const head = ['SOURCE', 'SERVICE', 'HELD', 'NAMED', 'SINCE', 'NEXT LEAVES', 'ENDPOINTS'];
  const rows = holds.map(({ source, service, endpoints, named, since, nextRelease }) => {
    const shown = endpoints.slice(0, 3).join(', ');
    const more = endpoints.length > 3 ? `, and ${endpoints.length - 3} more` : '';
    const next = nextRelease ?? 'not while the source is away';
    return [source, service, String(endpoints.length), String(named), since, next, `${shown}${more}`];
  });
  return `${table([head, ...rows])}\n`;
}

function adminOption(): Option {
  const { variable, default: fallback } = settings.admin;
  return new Option('--admin <URL>', `admin address of the Weir (default: http://${fallback}, env: ${variable})`);
}

function addressOf(host: Host, admin: string | undefined): string {
  const { variable, default: fallback } = settings.admin;
  const fromEnvironment = host.environment[variable];
  return admin ?? (fromEnvironment === '' ? undefined : fromEnvironment) ?? fallback;
}
