import { Command, InvalidArgumentError, Option } from 'commander';
import type { Host } from '../app/host.ts';
import { readDuration } from '../policy/duration.ts';
import { nameArgument } from './arguments.ts';
import { storeOptions, withStore, type StoreFlags } from './authority-store.ts';

interface TokenFlags extends StoreFlags {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly instance: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly trustDomain: string;
}

/** 90 days: beyond them a machine has to be given a new one. */
const longestHours = 2160;

export function tokenCommand(host: Host): Command {
  const command = new Command('token')
    .summary('print a token by which a machine joins the mesh')
    .description(
      'Print a signed token by which a machine that no Kubernetes knows shows who it is. It goes into the file that the bootstrap of its ' +
        'Envoy names. Whoever has it is that workload until it ends: it cannot be taken back.',
    )
    .addHelpText('after', examples);
  for (const option of [...subjectOptions(), ...storeOptions()]) command.addOption(option);
  return command.action((flags: TokenFlags) =>
    withStore(host, flags, async (store) => {
      const { joinTokenKey, signJoinToken } = await import('../identity/join-tokens.ts');
      const { namespace, serviceAccount, trustDomain, instance, lifetime } = flags;
      const subject = { identity: { trustDomain, namespace, serviceAccount }, instance };
      const key = await joinTokenKey(store);
      const token = await signJoinToken({ key, subject, lifetime, now: host.now() });
      // Envoy sends the file as it is, and no header may end with a line end.
      host.out.write(host.out.isTerminal ? `${token}\n` : token);
    }),
  );
}

const examples = `
Examples:
  weir token --ca-dir /var/lib/weir/ca --namespace shop --service-account web --instance vm-7 > /etc/weir/token
  weir token --ca-secret weir-system/weir-ca --namespace shop --instance vm-7 --lifetime 1h`;

function subjectOptions(): readonly Option[] {
  return [
    new Option('--namespace <NAME>', 'namespace of the workload').argParser(nameArgument).makeOptionMandatory(),
    new Option('--service-account <NAME>', 'account of the workload').default('default').argParser(nameArgument),
    new Option('--instance <NAME>', 'name of the machine: its Envoy may be no other workload')
      .argParser(nameArgument)
      .makeOptionMandatory(),
    new Option('--lifetime <DURATION>', 'for how long it holds, 90 days at most')
      .default(86_400, '24h')
      .argParser(lifetimeArgument),
    new Option('--trust-domain <NAME>', 'trust domain of the mesh').default('cluster.local').argParser(nameArgument),
  ];
}

/** Seconds. */
function lifetimeArgument(text: string): number {
  const reading = readDuration(text, 1);
  const hours = reading.kind === 'duration' ? reading.milliseconds / 3_600_000 : Infinity;
  if (hours * 3600 >= 1 && hours <= longestHours) return Math.floor(hours * 3600);
  throw new InvalidArgumentError(`It must be a duration such as 1h, of ${longestHours}h at most.`);
}
