import { Command, Option } from 'commander';
import type { Host } from '../app/host.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { describeIssue, issuesOf, type Issue } from './issues.ts';
import { domainOption, filesOption, readMeshFiles } from './mesh-files.ts';

interface Flags {
  readonly files: readonly string[];
  readonly domain: string;
  readonly output: 'text' | 'json';
}

export function checkCommand(host: Host): Command {
  return new Command('check')
    .summary('say what is wrong with files')
    .description(
      'Read directories of YAML as `weir serve` would, and say what is wrong with them: what could not become an object, and objects ' +
        'that cannot mean what was meant. Exit status 1 when there is an error; warnings alone are 0.',
    )
    .addOption(filesOption())
    .addOption(domainOption())
    .addOption(new Option('-o, --output <FORMAT>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', examples)
    .action(async ({ files, domain, output }: Flags) => {
      const issues = issuesOf(await readMeshFiles(host, files, domain));
      host.out.write(output === 'json' ? `${JSON.stringify(issues, null, 2)}\n` : textOf(issues));
      if (issues.some(({ severity }) => severity === 'error')) throw new CommandError(exitCodes.failure, '');
    });
}

const examples = `
Examples:
  weir check --files mesh
  weir check --files mesh -o json`;

function textOf(issues: readonly Issue[]): string {
  if (issues.length === 0) return 'nothing is wrong\n';
  const errors = issues.filter(({ severity }) => severity === 'error').length;
  const total = `${counted(errors, 'error')}, ${counted(issues.length - errors, 'warning')}`;
  return `${issues.map(describeIssue).join('\n')}\n${total}\n`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
