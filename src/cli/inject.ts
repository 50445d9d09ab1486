import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { SocketAddress } from '../app/listen-address.ts';
import { injectionSettings as settings } from '../app/injection-settings.ts';
import { weirVersion } from '../app/version.ts';
import { describeError } from '../observe/log.ts';
import { nameArgument, socketAddressArgument } from './arguments.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

interface Flags {
  readonly file: string;
  readonly image: string;
  readonly envoyImage: string;
  readonly xds: SocketAddress;
  readonly audience: string;
  readonly domain: string;
  readonly clusterId: string;
  readonly namespace: string;
  readonly nativeSidecars: boolean;
}

export function injectCommand(host: Host): Command {
  return new Command('inject')
    .summary('give the pods of a manifest their sidecars')
    .description(
      'Read objects of Kubernetes as YAML, and print them with sidecars in their pods and templates of pods, as the webhook would make them; ' +
        'everything else is printed as it is. What is left without a sidecar is named on standard error.',
    )
    .requiredOption('-f, --file <FILE>', 'YAML or JSON; - is standard input')
    .addOption(new Option('--image <IMAGE>', 'image of Weir').default(`weir:${weirVersion}`))
    .addOption(
      new Option('--envoy-image <IMAGE>', settings.injectEnvoyImage.description).default(
        settings.injectEnvoyImage.default,
      ),
    )
    .addOption(
      new Option('--xds <HOST:PORT>', settings.injectXds.description)
        .default({ host: 'weir.weir-system.svc', port: 15_012 }, settings.injectXds.default)
        .argParser(socketAddressArgument),
    )
    .addOption(
      new Option('--audience <NAME>', settings.injectAudience.description).default(settings.injectAudience.default),
    )
    .addOption(new Option('--domain <DOMAIN>', 'cluster domain').default('cluster.local').argParser(nameArgument))
    .addOption(new Option('--cluster-id <ID>', 'cluster that the pods run in').default('Kubernetes'))
    .addOption(
      new Option('-n, --namespace <NAME>', 'namespace of objects that name none')
        .default('default')
        .argParser(nameArgument),
    )
    .addOption(new Option('--no-native-sidecars', 'sidecars as ordinary containers, for Kubernetes before 1.29'))
    .addHelpText('after', examples)
    .action((flags: Flags) => inject(host, flags));
}

async function inject(host: Host, flags: Flags): Promise<void> {
  const { injectManifest } = await import('./manifest-injection.ts');
  const { text, remarks, problems } = injectManifest(await textOf(flags.file), {
    namespace: flags.namespace,
    options: {
      weirImage: flags.image,
      envoyImage: flags.envoyImage,
      xds: flags.xds,
      tokenAudience: flags.audience,
      domain: flags.domain,
      clusterId: flags.clusterId,
      nativeSidecars: flags.nativeSidecars,
      excludedNamespaces: ['weir-system'],
    },
  });
  for (const remark of remarks) host.err.write(`weir: ${remark}\n`);
  if (problems.length > 0) throw new CommandError(exitCodes.failure, problems.join('\n'));
  host.out.write(text);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read: ${describeError(error)}`, error);
  }
}

const examples = `
Examples:
  weir inject -f shop.yaml | kubectl apply -f -
  kubectl get deployment web -o yaml | weir inject -f - | kubectl apply -f -`;
