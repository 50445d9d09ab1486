import { Command, InvalidArgumentError, Option } from 'commander';
import type { Host } from '../app/host.ts';
import { formatSocketAddress, type SocketAddress } from '../app/listen-address.ts';
import { describeError } from '../observe/log.ts';
import { socketAddressArgument } from './arguments.ts';
import { endToEndText, meetingText } from './bench-text.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { transportKinds, type TransportKind } from '../xds/transport/transport-kinds.ts';

interface Flags {
  readonly address?: SocketAddress;
  readonly sidecars: number;
  readonly services: number;
  readonly endpoints: number;
  readonly dependencies: number;
  readonly changes: number;
  readonly seconds: number;
  readonly transport: TransportKind;
  readonly output: 'text' | 'json';
}

export function benchCommand(host: Host): Command {
  return new Command('bench')
    .summary('measure Weir on this machine')
    .description(
      'Measure how long a change takes to reach sidecars and to be confirmed, and what that costs. Weir and the sidecars run in ' +
        'processes of their own on this machine, on a mesh that is made up; nothing outside is touched. With --address the sidecars ' +
        'connect to a control plane that runs already, take everything and listen.',
    )
    .addOption(
      new Option('--address <HOST:PORT>', 'plaintext xDS of a running control plane').argParser(socketAddressArgument),
    )
    .addOption(count('--sidecars <N>', 'sidecars that connect', 1_000))
    .addOption(count('--services <N>', 'services of the mesh', 5_000))
    .addOption(count('--endpoints <N>', 'endpoints of each service', 10))
    .addOption(count('--dependencies <N>', 'services that each sidecar wants to know of', 50))
    .addOption(count('--changes <N>', 'endpoints that move in a second', 200))
    .addOption(count('--seconds <N>', 'how long', 10))
    .addOption(
      new Option('--transport <NAME>', 'what serves the streams').choices(transportKinds).default(transportKinds[0]),
    )
    .addOption(new Option('-o, --output <FORMAT>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', examples)
    .action((flags: Flags) => (flags.address === undefined ? measure(host, flags) : meet(host, flags, flags.address)));
}

const examples = `
Examples:
  weir bench
  weir bench --sidecars 200 --changes 1000 --seconds 5
  weir bench --address 127.0.0.1:15010 --sidecars 100
  weir bench -o json | jq '.changeToAck'

The load takes one core or more, and ten thousand sidecars need as many file descriptors in both processes (ulimit -n).`;

function count(flags: string, description: string, fallback: number): Option {
  return new Option(flags, description).argParser(countArgument).default(fallback);
}

function countArgument(text: string): number {
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number from 1 to 999999.');
}

async function measure(host: Host, flags: Flags): Promise<void> {
  if (flags.dependencies > flags.services) {
    throw new CommandError(exitCodes.usage, '--dependencies must not be more than --services');
  }
  // Loaded only here, so that the other commands start quickly.
  const { runEndToEnd } = await import('../bench/end-to-end.ts');
  const plan = {
    sidecars: flags.sidecars,
    services: flags.services,
    endpointsPerService: flags.endpoints,
    dependencies: flags.dependencies,
    changesPerSecond: flags.changes,
    seconds: flags.seconds,
    transport: flags.transport,
  };
  const result = await runEndToEnd(plan, { environment: host.environment }, progressTo(host)).catch(
    (error: unknown) => {
      throw new CommandError(exitCodes.failure, `the measurement failed: ${describeError(error)}`, error);
    },
  );
  endWith(host, flags, endToEndText(plan, result));
  failIfLost(result.totals.errors, result.totals.errorTexts);
}

async function meet(host: Host, flags: Flags, address: SocketAddress): Promise<void> {
  const { meetControlPlane } = await import('../bench/meeting.ts');
  const plan = { address: formatSocketAddress(address), sidecars: flags.sidecars, seconds: flags.seconds };
  const meeting = await meetControlPlane(plan, { environment: host.environment }, progressTo(host)).catch(
    (error: unknown) => {
      const message = `the sidecars did not get everything from ${plan.address}: ${describeError(error)}`;
      throw new CommandError(exitCodes.unavailable, message, error);
    },
  );
  endWith(host, flags, meetingText(plan, meeting));
  failIfLost(meeting.totals.errors, meeting.totals.errorTexts);
}

function progressTo({ err }: Host): (text: string) => void {
  return (text) => err.write(`weir bench: ${text}\n`);
}

function endWith({ out }: Host, { output }: Flags, { data, text }: ReturnType<typeof meetingText>): void {
  out.write(output === 'json' ? `${JSON.stringify(data, null, 2)}\n` : text);
}

function failIfLost(errors: number, texts: readonly string[]): void {
  if (errors === 0) return;
  throw new CommandError(exitCodes.failure, `${errors} sidecars lost their stream: ${texts.join('; ')}`);
}
