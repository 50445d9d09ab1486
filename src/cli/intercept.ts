import { Command, InvalidArgumentError, Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { AddressFamily } from '../inject/interception.ts';
import { readFamilies, readInterfaces } from '../inject/interception-values.ts';
import { cidrsArgument, portArgument, portsArgument } from './arguments.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

interface Flags {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly proxyUid: readonly number[];
  readonly proxyGid: readonly number[];
  readonly includeInboundPorts?: readonly number[];
  readonly excludeInboundPorts: readonly number[];
  readonly includeOutboundCidrs?: readonly string[];
  readonly excludeOutboundCidrs: readonly string[];
  readonly excludeOutboundPorts: readonly number[];
  readonly excludeInterfaces: readonly string[];
  readonly ipFamilies: readonly AddressFamily[];
  readonly dryRun: boolean;
  readonly clean: boolean;
}

export function interceptCommand(host: Host): Command {
  const command = new Command('intercept')
    .summary('have the kernel send the connections of a workload through its Envoy')
    .description(
      'Write the rules that send TCP connections to and from the workloads of this network namespace through the Envoy in it, in place of those that an ' +
        'earlier run wrote, in one step. Needs Linux, nft, root and the capability NET_ADMIN; runs as an init container of every pod ' +
        'with a sidecar.',
    )
    .addHelpText('after', examples);
  for (const option of [...proxyOptions(), ...scopeOptions()]) command.addOption(option);
  return command
    .addOption(new Option('--dry-run', 'print the rules, as `nft -f` reads them, and change nothing').default(false))
    .addOption(new Option('--clean', 'take the rules away').default(false))
    .action((flags: Flags) => intercept(host, flags));
}

async function intercept(host: Host, flags: Flags): Promise<void> {
  const { ruleSet } = await import('../inject/interception.ts');
  const { removalText, ruleSetText } = await import('../inject/rule-set-text.ts');
  const rules = flags.clean
    ? removalText
    : ruleSetText(
        ruleSet({
          outboundPort: flags.outboundPort,
          inboundPort: flags.inboundPort,
          proxyUsers: flags.proxyUid,
          proxyGroups: flags.proxyGid,
          inboundPorts: flags.includeInboundPorts,
          excludedInboundPorts: flags.excludeInboundPorts,
          outboundBlocks: flags.includeOutboundCidrs,
          excludedOutboundBlocks: flags.excludeOutboundCidrs,
          excludedOutboundPorts: flags.excludeOutboundPorts,
          excludedInterfaces: flags.excludeInterfaces,
          families: flags.ipFamilies,
        }),
      );
  if (flags.dryRun) return host.out.write(rules);
  const { InterceptionError, loadRules } = await import('../inject/load-rules.ts');
  try {
    await loadRules(rules);
  } catch (error) {
    if (error instanceof InterceptionError) throw new CommandError(exitCodes.failure, error.message, error);
    throw error;
  }
}

const examples = `
Examples:
  weir intercept --exclude-outbound-cidrs 10.0.5.0/24 --exclude-inbound-ports 22
  weir intercept --dry-run
  weir intercept --clean`;

function proxyOptions(): readonly Option[] {
  return [
    new Option('--outbound-port <PORT>', 'where the Envoy takes connections that the workload opens')
      .default(15001)
      .argParser(portArgument),
    new Option('--inbound-port <PORT>', 'where the Envoy takes connections that others open to the workload')
      .default(15006)
      .argParser(portArgument),
    new Option('--proxy-uid <N,...>', 'users whose connections are left alone: those of the Envoy')
      .default([1337], '1337')
      .argParser(numbersArgument),
    new Option('--proxy-gid <N,...>', 'groups whose connections are left alone: those of the Envoy')
      .default([1337], '1337')
      .argParser(numbersArgument),
  ];
}

function scopeOptions(): readonly Option[] {
  return [
    new Option(
      '--include-inbound-ports <PORT,...>',
      'ports of the workload that go through the Envoy, and no others; `none` for none',
    ).argParser(orNone(portsArgument)),
    new Option('--exclude-inbound-ports <PORT,...>', 'ports of the workload that do not')
      .default([], 'none')
      .argParser(portsArgument),
    new Option(
      '--include-outbound-cidrs <CIDR,...>',
      'addresses that are dialled through the Envoy, and no others; `none` for none',
    ).argParser(orNone(cidrsArgument)),
    new Option('--exclude-outbound-cidrs <CIDR,...>', 'addresses that are not')
      .default([], 'none')
      .argParser(cidrsArgument),
    new Option('--exclude-outbound-ports <PORT,...>', 'ports, wherever they are, that are not')
      .default([], 'none')
      .argParser(portsArgument),
    new Option('--exclude-interfaces <NAME,...>', 'interfaces whose connections are left alone')
      .default([], 'none')
      .argParser(interfacesArgument),
    new Option('--ip-families <ipv4,ipv6>', 'families of addresses whose connections go through the Envoy')
      .default(['ipv4', 'ipv6'], 'ipv4,ipv6')
      .argParser(familiesArgument),
  ];
}

function orNone<Item>(parse: (text: string) => readonly Item[]): (text: string) => readonly Item[] {
  return (text) => (text === 'none' ? [] : parse(text));
}

function numbersArgument(text: string): readonly number[] {
  if (/^\d{1,9}(,\d{1,9})*$/.test(text)) return text.split(',').map(Number);
  throw new InvalidArgumentError('It must be numbers of users or groups with commas between them, for example 1337.');
}

function interfacesArgument(text: string): readonly string[] {
  const interfaces = readInterfaces(text);
  if (interfaces !== undefined) return interfaces;
  throw new InvalidArgumentError('It must be names of interfaces with commas between them, for example eth1,tun*.');
}

function familiesArgument(text: string): readonly AddressFamily[] {
  const families = readFamilies(text);
  if (families !== undefined) return families;
  throw new InvalidArgumentError('It must be ipv4, ipv6 or both with a comma between them.');
}
