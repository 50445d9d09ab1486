import { Command, Option } from 'commander';
import type { StatusReport } from '../admin/status-report.ts';
import type { Host } from '../app/host.ts';
import { settings } from '../app/settings.ts';
import { adminUrl, askAdmin, jsonOf } from './admin-request.ts';
import { statusText } from './status-text.ts';

interface Flags {
  readonly admin?: string;
  readonly tokenFile?: string;
  readonly output: 'text' | 'json';
}

export function statusCommand(host: Host): Command {
  const { variable, default: fallback } = settings.admin;
  return new Command('status')
    .summary('show what a running Weir does and knows')
    .description(
      'Ask a running Weir what is going on: sources with their freshness, what is wrong with files and objects, and of every proxy ' +
        'what it was sent, what it confirmed and what it refuses, by type.',
    )
    .addOption(new Option('--admin <URL>', `admin address of the Weir (default: http://${fallback}, env: ${variable})`))
    .addOption(
      new Option(
        '--token-file <FILE>',
        'file with a token that may look (default: the one that a Weir on this machine keeps)',
      ),
    )
    .addOption(new Option('-o, --output <FORMAT>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', examples)
    .action(async ({ admin, output, tokenFile }: Flags) => {
      const url = adminUrl('/status', admin ?? nonEmpty(host.environment[variable]) ?? fallback);
      const report = (await jsonOf(url, await askAdmin(url, { tokenFile }))) as StatusReport;
      host.out.write(
        output === 'json'
          ? `${JSON.stringify(report, null, 2)}\n`
          : statusText(report, { colours: host.out.colours, now: host.now() }),
      );
    });
}

const examples = `
Examples:
  weir status
  weir status --admin http://127.0.0.1:15099
  weir status -o json | jq '.proxies[] | select(.state != "synced")'`;

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
