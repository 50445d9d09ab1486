import { Command, Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { clusterOptions, withCluster, type ClusterFlags } from './cluster.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

interface Flags extends ClusterFlags {
  readonly print: boolean;
  readonly dryRun: boolean;
  readonly upgrade: boolean;
}

export function installCommand(host: Host): Command {
  const command = new Command('install')
    .summary('bring definitions of kinds into a cluster')
    .description('Bring into a cluster what Weir needs to be there before it.')
    .addHelpText('after', examples);
  return command.addCommand(crdsCommand(host));
}

const examples = `
Examples:
  weir install crds --dry-run
  weir install crds --context staging
  weir install crds --print | kubectl apply --server-side -f -`;

function crdsCommand(host: Host): Command {
  const command = new Command('crds')
    .summary('the CustomResourceDefinitions of the kinds that Weir reads')
    .description(
      'Create the CustomResourceDefinitions of the kinds that Weir reads. One that is there already is left alone, unless it is of another ' +
        'version of Weir and --upgrade is given. Where Istio runs nothing is created: Weir reads the kinds as Istio defines them.',
    )
    .addOption(new Option('--print', 'print them as YAML instead, without looking at a cluster').default(false))
    .addOption(new Option('--dry-run', 'have the API server check everything, and change nothing').default(false))
    .addOption(new Option('--upgrade', 'replace those of other versions of Weir').default(false))
    .addHelpText('after', examples);
  for (const option of clusterOptions()) command.addOption(option);
  return command.action(async (flags: Flags) => {
    if (flags.print) host.out.write(await printed());
    else await withCluster(host, flags, (client, signal) => installCrds(host, client, flags, signal));
  });
}

/** As one YAML stream. */
async function printed(): Promise<string> {
  const { definitionYaml, ownDefinitions } = await import('./own-definitions.ts');
  return ownDefinitions.map((definition) => `---\n${definitionYaml(definition)}`).join('');
}

/** Milliseconds that the API server has to establish a kind, and to answer everything before. */
const patience = 60_000;

/** @throws CommandError when Weir could not read all of its kinds afterwards */
async function installCrds(
  host: Host,
  client: ApiClient,
  { dryRun, upgrade }: Pick<Flags, 'dryRun' | 'upgrade'>,
  stopped: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(patience)]);
  const [{ applyCrd, findIstiods, planCrds, untilEstablished }, { judge }, { ownDefinitions }] = await Promise.all([
    import('./install-crds.ts'),
    import('./install-crds-report.ts'),
    import('./own-definitions.ts'),
  ]);
  const steps = await planCrds(client, ownDefinitions, signal);
  const creates = steps.some(({ kind }) => kind === 'create');
  const istiods = creates ? await findIstiods(client, signal) : [];
  const { apply, lines, obstacles } = judge(steps, { istiods, upgrade, dryRun });
  await Promise.all(apply.map(({ definition }) => applyCrd(client, definition, dryRun, signal)));
  if (!dryRun) await Promise.all(apply.map(({ definition }) => untilEstablished(client, definition, signal)));
  host.out.write(lines.map((line) => `${line}\n`).join(''));
  if (obstacles.length > 0) throw new CommandError(exitCodes.failure, obstacles.join('\nweir: '));
}
