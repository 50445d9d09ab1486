import { Command } from 'commander';
import type { Host } from '../app/host.ts';
import { storeOptions, withStore, type StoreFlags } from './authority-store.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

export function caCommand(host: Host): Command {
  return new Command('ca')
    .summary('the certificate authority of the mesh')
    .description('Work on the certificate authority of the mesh, in the directory or Secret where it is kept.')
    .addHelpText('after', examples)
    .addCommand(rootsCommand(host))
    .addCommand(rotateCommand(host));
}

const examples = `
Examples:
  weir ca roots --ca-dir /var/lib/weir/ca > roots.pem
  weir ca rotate --ca-secret weir-system/weir-ca`;

function rootsCommand(host: Host): Command {
  const command = new Command('roots')
    .summary('print the roots that hold now')
    .description(
      'Print the certificates of the roots that hold now, as PEM: what whoever connects to the mesh has to trust.',
    )
    .addHelpText('after', examples)
    .action((flags: StoreFlags) =>
      withStore(host, flags, async (store) => {
        const { rootsOf } = await import('../identity/change-state.ts');
        host.out.write(await rootsOf(store));
      }),
    );
  for (const option of storeOptions()) command.addOption(option);
  return command;
}

function rotateCommand(host: Host): Command {
  const command = new Command('rotate')
    .summary('replace the root')
    .description(
      'Have the control plane replace its root: the new one joins the bundle, signs once every proxy has it and every certificate is newer, ' +
        'and stands alone once nothing is left of the one before. It takes a little more than twice the life of a certificate; `weir status` ' +
        'says how far it is.',
    )
    .addHelpText('after', examples)
    .action((flags: StoreFlags) =>
      withStore(host, flags, async (store) => {
        const { requestRotation } = await import('../identity/change-state.ts');
        if (!(await requestRotation(store))) {
          throw new CommandError(
            exitCodes.failure,
            'the root is being replaced already; `weir status` says how far it is',
          );
        }
        host.err.write(`weir: the root in ${store.place} will be replaced; \`weir status\` says how far it is\n`);
      }),
    );
  for (const option of storeOptions()) command.addOption(option);
  return command;
}
