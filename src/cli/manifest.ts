import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Host } from '../app/host.ts';

/** The chart with its default values, which lies beside the program in the checkout, the package and the image alike. */
const manifests = new URL('../../deploy/manifests/weir.yaml', import.meta.url);

export function manifestCommand(host: Host): Command {
  return new Command('manifest')
    .summary('print the objects that run Weir in a cluster')
    .description(
      'Print the objects that run Weir in a cluster, as the Helm chart makes them with its default values. Whoever wants them otherwise ' +
        'takes the chart, or changes them with kustomize.',
    )
    .addHelpText('after', examples)
    .action(() => host.out.write(readFileSync(manifests, 'utf8')));
}

const examples = `
Examples:
  weir manifest | kubectl apply --server-side -f -
  weir manifest > base/weir.yaml && kubectl apply -k base`;
