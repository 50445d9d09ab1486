import process from 'node:process';
import { Command } from 'commander';
import type { Host } from '../app/host.ts';
import { weirVersion } from '../app/version.ts';

export function versionCommand(host: Host): Command {
  return new Command('version')
    .summary('print the version')
    .description('Print the versions of Weir and Node.js.')
    .action(() => host.out.write(`weir ${weirVersion}, Node.js ${process.version}\n`));
}
