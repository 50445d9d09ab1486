import { Command, Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { SocketAddress } from '../app/listen-address.ts';
import type { Interception } from '../model/proxy.ts';
import { unknownLocality, type Locality } from '../model/workload.ts';
import {
  cidrArgument,
  ipArgument,
  labelsArgument,
  localityArgument,
  nameArgument,
  portArgument,
  socketAddressArgument,
} from './arguments.ts';

export interface BootstrapFlags {
  readonly node?: string;
  readonly workload?: string;
  readonly namespace?: string;
  readonly ip?: string;
  readonly domain: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly clusterId: string;
  readonly locality: Locality;
  readonly interception: Interception;
  readonly httpProxyPort?: number;
  readonly boundAddresses?: string;
  readonly xds: SocketAddress;
  readonly adminPort: number;
  readonly statusPort?: number;
  readonly stateOfTheWorld: boolean;
}

export function bootstrapCommand(host: Host): Command {
  const command = new Command('bootstrap')
    .summary('print the bootstrap of an Envoy')
    .description(
      'Print the bootstrap of an Envoy as JSON: who it is, and that it gets everything else from Weir. The workload is named ' +
        'either by its node id, or by --workload, --namespace and --ip.',
    )
    .addHelpText('after', examples);
  for (const option of [...identityOptions(), ...proxyOptions()]) command.addOption(option);
  return command.action(async (flags: BootstrapFlags) => {
    const { bootstrapJson } = await import('./bootstrap-json.ts');
    host.out.write(`${JSON.stringify(bootstrapJson(flags), null, 2)}
`);
  });
}

const examples = `
Examples:
  weir bootstrap --workload web-1 --namespace shop --ip 10.0.0.7 --labels app=web > web.json && envoy -c web.json
  weir bootstrap --node sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local --status-port 15021
  weir bootstrap --workload web-1 --namespace shop --ip 127.0.1.1 --interception none --http-proxy-port 15080`;

function identityOptions(): readonly Option[] {
  return [
    new Option('--node <ID>', 'node id, sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.DOMAIN').conflicts([
      'workload',
      'namespace',
      'ip',
    ]),
    new Option('--workload <NAME>', 'name of the pod or machine').argParser(nameArgument),
    new Option('--namespace <NAME>', 'namespace of the workload').argParser(nameArgument),
    new Option('--ip <IP>', 'address of the workload').argParser(ipArgument),
    new Option('--domain <DOMAIN>', 'cluster domain').default('cluster.local').argParser(nameArgument),
    new Option('--labels <a=b,...>', 'labels of the workload; for one that a registry knows, the registry’s count')
      .default({}, 'none')
      .argParser(labelsArgument),
    new Option('--service-account <NAME>', 'service account of the workload')
      .default('default')
      .argParser(nameArgument),
    new Option('--cluster-id <ID>', 'cluster that the workload runs in').default('Kubernetes'),
    new Option('--locality <R/Z/S>', 'region, zone and sub-zone of the workload')
      .default(unknownLocality, 'unknown')
      .argParser(localityArgument),
  ];
}

function proxyOptions(): readonly Option[] {
  return [
    new Option('--interception <MODE>', 'redirect: iptables sends traffic to the Envoy; none: the application dials it')
      .choices(['redirect', 'none'])
      .default('redirect'),
    new Option('--http-proxy-port <PORT>', 'port on 127.0.0.1 that takes HTTP proxy requests').argParser(portArgument),
    new Option(
      '--bound-addresses <CIDR>',
      'virtual addresses of services that the Envoy binds itself, for example 127.40.0.0/16',
    ).argParser(cidrArgument),
    new Option('--xds <HOST:PORT>', 'where Weir serves xDS')
      .default({ host: '127.0.0.1', port: 15010 }, '127.0.0.1:15010')
      .argParser(socketAddressArgument),
    new Option('--admin-port <PORT>', 'port of Envoy’s admin server on 127.0.0.1')
      .default(15000)
      .argParser(portArgument),
    new Option(
      '--status-port <PORT>',
      'port on all addresses that answers /ready and /stats/prometheus, for probes and scrapers',
    ).argParser(portArgument),
    new Option('--state-of-the-world', 'the older form of xDS, in which a change sends a whole type again').default(
      false,
    ),
  ];
}
