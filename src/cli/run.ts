import { Command, CommanderError } from 'commander';
import type { Host } from '../app/host.ts';
import { describeError } from '../observe/log.ts';
import { authzCommand } from './authz.ts';
import { benchCommand } from './bench.ts';
import { bootstrapCommand } from './bootstrap.ts';
import { caCommand } from './ca.ts';
import { checkCommand } from './check.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { guardCommand } from './guard.ts';
import { injectCommand } from './inject.ts';
import { interceptCommand } from './intercept.ts';
import { installCommand } from './install.ts';
import { manifestCommand } from './manifest.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { tokenCommand } from './token.ts';
import { translateCommand } from './translate.ts';
import { versionCommand } from './version.ts';

/** Runs the command that the arguments name. Gives the exit status. */
export async function run(host: Host): Promise<number> {
  try {
    await program(host).parseAsync(host.arguments, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    return report(error, host);
  }
}

function program(host: Host): Command {
  const weir = new Command('weir')
    .description('A service-mesh control plane: registries and policy in, incremental xDS out.')
    .addHelpText('after', examples)
    .helpCommand('help [command]', 'show the help of a command');
  const commands = [
    serveCommand,
    bootstrapCommand,
    interceptCommand,
    tokenCommand,
    caCommand,
    injectCommand,
    installCommand,
    manifestCommand,
    statusCommand,
    guardCommand,
    checkCommand,
    authzCommand,
    translateCommand,
    benchCommand,
    versionCommand,
  ];
  for (const command of commands) weir.addCommand(command(host));
  for (const command of [weir, ...weir.commands, ...weir.commands.flatMap(({ commands: parts }) => parts)]) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: host.out.write,
        writeErr: host.err.write,
        outputError: (text, write) => write(text.replace(/^error: /, 'weir: ')),
      })
      .configureHelp({ sortOptions: false, showGlobalOptions: false })
      .showSuggestionAfterError(true);
    if (command !== weir) command.showHelpAfterError(`Run \`${pathOf(command)} --help\` for its options and examples.`);
  }
  return weir;
}

/** For example `weir install crds`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const examples = `
Examples:
  weir serve --files mesh --xds-plaintext 127.0.0.1:15010
  weir bootstrap --workload web-1 --namespace shop --ip 10.0.0.7 > web.json
  weir install crds --dry-run
  weir status
  weir check --files mesh
  weir authz check shop/cart shop/web GET http://web.shop/orders --files mesh
  weir translate --files mesh --node node.json
  weir bench --sidecars 200

Exit status: 0 all is well, 1 it is not, 2 wrong usage, 69 something is out of reach or taken, 70 a bug of Weir.`;

function report(error: unknown, host: Host): number {
  if (error instanceof CommanderError) {
    // Help and version are no errors; everything else is a wrong command line, which commander has explained.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (error instanceof CommandError) {
    if (error.message !== '') host.err.write(`weir: ${error.message}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : '';
  host.err.write(`weir: this is a bug of Weir: ${describeError(error)}${stack}\n`);
  return exitCodes.internal;
}
