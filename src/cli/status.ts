import { Command, Option } from 'commander';
import type { StatusReport } from '../admin/status-report.ts';
import type { Host } from '../app/host.ts';
import { settings } from '../app/settings.ts';
import { describeError } from '../observe/log.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { statusText } from './status-text.ts';

interface Flags {
  readonly admin?: string;
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
    .addOption(new Option('-o, --output <FORMAT>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', examples)
    .action(async ({ admin, output }: Flags) => {
      const url = statusUrl(admin ?? nonEmpty(host.environment[variable]) ?? fallback);
      const report = await fetchStatus(url);
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

const answerTimeout = 10_000;

function statusUrl(text: string): URL {
  const url = URL.parse('/status', /^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url !== null) return url;
  throw new CommandError(exitCodes.usage, `--admin must be a URL or HOST:PORT, and is ${text}`);
}

async function fetchStatus(url: URL): Promise<StatusReport> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(answerTimeout) });
  } catch (error) {
    throw new CommandError(
      exitCodes.unavailable,
      `no Weir answers at ${url.origin} (${reasonOf(error)}): is it running? --admin names another address`,
      error,
    );
  }
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok || !type.startsWith('application/json')) {
    throw new CommandError(
      exitCodes.unavailable,
      `what answers at ${url.origin} is not Weir: HTTP status ${response.status}, ${type}`,
    );
  }
  return (await response.json()) as StatusReport;
}

/** What fetch throws says only that it failed; the reason is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return describeError(error);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
