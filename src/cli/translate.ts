import { existsSync, readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { Host } from '../app/host.ts';
import { proxyKey } from '../model/keys.ts';
import type { Proxy } from '../model/proxy.ts';
import { describeError } from '../observe/log.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { describeIssue, issuesOf } from './issues.ts';
import { filesOption, readMeshFiles } from './mesh-files.ts';

interface Flags {
  readonly files: readonly string[];
  readonly node: string;
  readonly output: 'json' | 'yaml';
}

export function translateCommand(host: Host): Command {
  return new Command('translate')
    .summary('print what a proxy would be sent')
    .description(
      'Print everything that a proxy would be sent, without a server: one document with the lists clusters, endpoints, listeners, ' +
        'routes and secrets, in protobuf’s JSON form. What is wrong with the files goes to standard error and does not change the exit ' +
        'status.',
    )
    .addOption(filesOption())
    .addOption(
      new Option(
        '--node <FILE|ID>',
        'the proxy: a file with its Envoy node as JSON, or a node id sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.DOMAIN',
      ).makeOptionMandatory(),
    )
    .addOption(new Option('-o, --output <FORMAT>', 'json or yaml').choices(['json', 'yaml']).default('json'))
    .addHelpText('after', examples)
    .action(async ({ files, node, output }: Flags) => {
      const proxy = await readProxy(node);
      const mesh = await readMeshFiles(host, files, proxy.domain);
      for (const issue of issuesOf(mesh)) host.err.write(`${describeIssue(issue)}\n`);
      const [{ proxyView }, { translation }] = await Promise.all([
        import('../app/proxy-view.ts'),
        import('./translation.ts'),
      ]);
      const document = translation(proxyView(mesh.engine, proxy));
      host.out.write(output === 'yaml' ? stringify(document, yamlOptions) : `${JSON.stringify(document, null, 2)}\n`);
    });
}

const examples = `
Examples:
  weir translate --files mesh --node node.json
  weir translate --files mesh --node sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local -o yaml
  weir translate --files mesh --node node.json | jq '.clusters[].name'

A node file:
  {
    "id": "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local",
    "metadata": { "NAMESPACE": "shop", "LABELS": { "app": "web" }, "INTERCEPTION_MODE": "REDIRECT" }
  }`;

/** Anchors would be short, but what reads YAML with other tools may not know them. */
const yamlOptions = { lineWidth: 0, aliasDuplicateObjects: false } as const;

async function readProxy(node: string): Promise<Proxy> {
  const { isNodeError, proxyOfNode } = await import('../xds/node.ts');
  const proxy = proxyOfNode(node.includes('~') && !existsSync(node) ? { id: node } : readNodeFile(node), proxyKey);
  if (!isNodeError(proxy)) return proxy;
  throw new CommandError(exitCodes.usage, `--node ${node} is no proxy that Weir serves: ${proxy.problems.join('; ')}`);
}

function readNodeFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const problem = `--node ${path} is neither a node id (sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.DOMAIN) nor a file that can be read`;
    throw new CommandError(exitCodes.usage, `${problem}: ${describeError(error)}`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(exitCodes.usage, `--node ${path} is not JSON: ${describeError(error)}`, error);
  }
}
