import { rename, writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { SocketAddress } from '../app/listen-address.ts';
import type { CarriedProbe } from '../inject/probes.ts';
import type { Interception } from '../model/proxy.ts';
import { unknownLocality, type Locality } from '../model/workload.ts';
import { describeError } from '../observe/log.ts';
import {
  cidrArgument,
  ipArgument,
  labelsArgument,
  localityArgument,
  nameArgument,
  portArgument,
  probeArgument,
  socketAddressArgument,
} from './arguments.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

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
  readonly rootCertificate?: string;
  readonly tokenFile?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly serverName?: string;
  readonly adminPort: number;
  readonly statusPort?: number;
  readonly probe: readonly CarriedProbe[];
  readonly stateOfTheWorld: boolean;
  readonly output?: string;
}

export function bootstrapCommand(host: Host): Command {
  const command = new Command('bootstrap')
    .summary('print the bootstrap of an Envoy')
    .description(
      'Print the bootstrap of an Envoy as JSON: who it is, and that it gets everything else from Weir. The workload is named ' +
        'either by its node id, or by --workload, --namespace and --ip.',
    )
    .addHelpText('after', examples);
  for (const option of [...identityOptions(), ...controlPlaneOptions(), ...proxyOptions()]) command.addOption(option);
  return command.action(async (flags: BootstrapFlags) => {
    const { bootstrapJson } = await import('./bootstrap-json.ts');
    const text = `${JSON.stringify(bootstrapJson(flags), null, 2)}\n`;
    if (flags.output === undefined) host.out.write(text);
    else await writeWhole(flags.output, text);
  });
}

const examples = `
Examples:
  weir bootstrap --workload web-1 --namespace shop --ip 10.0.0.7 --labels app=web > web.json && envoy -c web.json
  weir bootstrap --node sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local --status-port 15021
  weir bootstrap --workload web-1 --namespace shop --ip 10.0.0.7 --xds weir.weir-system.svc:15012 \\
    --root-certificate /var/run/secrets/istio/root-cert.pem --token-file /var/run/secrets/tokens/weir-token
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

/** Files are named as the Envoy will find them: they need not be on this machine. */
function controlPlaneOptions(): readonly Option[] {
  return [
    new Option('--xds <HOST:PORT>', 'where Weir serves xDS')
      .default({ host: '127.0.0.1', port: 15010 }, '127.0.0.1:15010')
      .argParser(socketAddressArgument),
    new Option(
      '--root-certificate <FILE>',
      'PEM file of the authorities of Weir’s certificate; xDS goes over TLS then; read when the Envoy starts',
    ),
    new Option(
      '--token-file <FILE>',
      'file of the token by which the Envoy shows who it is; read again for every stream',
    ).conflicts(['clientCertificate', 'clientKey']),
    new Option(
      '--client-certificate <FILE>',
      'PEM file of the certificate by which the Envoy shows who it is, in place of a token; read when the Envoy starts',
    ),
    new Option('--client-key <FILE>', 'PEM file of the private key of that certificate'),
    new Option('--server-name <NAME>', 'name in Weir’s certificate, where it is not the host of --xds'),
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
    new Option('--admin-port <PORT>', 'port of Envoy’s admin server on 127.0.0.1')
      .default(15000)
      .argParser(portArgument),
    new Option(
      '--status-port <PORT>',
      'port on all addresses that answers /ready (also as /healthz/ready) and /stats/prometheus, for probes and scrapers',
    ).argParser(portArgument),
    new Option(
      '--probe <PATH=CHECK>',
      'health check of the application that the status port carries on, as http:PORT/PATH, https:PORT/PATH, tcp:PORT or grpc:PORT/SERVICE; may be repeated',
    )
      .default([], 'none')
      .argParser(probeArgument),
    new Option('--state-of-the-world', 'the older form of xDS, in which a change sends a whole type again').default(
      false,
    ),
    new Option('-o, --output <FILE>', 'write it to this file in place of standard output'),
  ];
}

/** An Envoy that starts at the same time finds no file or a whole one. */
async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.tmp`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  } catch (error) {
    throw new CommandError(exitCodes.failure, `${file} cannot be written: ${describeError(error)}`, error);
  }
}
