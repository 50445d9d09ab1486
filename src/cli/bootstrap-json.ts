import { isIP } from 'node:net';
import { bootstrap } from '../inject/bootstrap.ts';
import type { ControlPlaneSecurity } from '../inject/control-plane.ts';
import { parseNodeId, proxyNode, type WorkloadIdentity } from '../inject/proxy-node.ts';
import { proxyKey } from '../model/keys.ts';
import { toJson, type Json } from '../xds/json.ts';
import { isNodeError, proxyOfNode } from '../xds/node.ts';
import type { BootstrapFlags } from './bootstrap.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/**
 * The bootstrap that the flags ask for.
 *
 * @throws CommandError when they name no workload that Weir would serve
 */
export function bootstrapJson(flags: BootstrapFlags): Json {
  const identity = identityOf(flags);
  const node = proxyNode(identity, {
    labels: flags.labels,
    serviceAccount: flags.serviceAccount,
    clusterId: flags.clusterId,
    locality: flags.locality,
    interception: flags.interception,
    httpProxyPort: flags.httpProxyPort,
    boundAddresses: flags.boundAddresses,
  });
  // The server reads the node by the same function: what it would refuse is refused here.
  const proxy = proxyOfNode(toJson('envoy.config.core.v3.Node', node), proxyKey);
  if (isNodeError(proxy)) throw new CommandError(exitCodes.usage, proxy.problems.join('\n'));
  if (flags.probe.length > 0 && flags.statusPort === undefined) {
    throw new CommandError(exitCodes.usage, '--probe needs --status-port, which is where probes are answered');
  }
  const message = bootstrap({
    node,
    xds: flags.xds,
    security: securityOf(flags),
    serverName: flags.serverName,
    adminPort: flags.adminPort,
    statusPort: flags.statusPort,
    probes: flags.probe,
    applicationAddress: applicationAddress(identity.ip, flags),
    wire: flags.stateOfTheWorld ? 'sotw' : 'delta',
  });
  return toJson('envoy.config.bootstrap.v3.Bootstrap', message);
}

/** Where the Envoy itself has the address of the workload, and where it cannot dial it past the rules, the application is at the loopback. */
function applicationAddress(ip: string, { interception }: BootstrapFlags): string {
  if (isIP(ip) === 6) return '::1';
  return interception === 'none' ? '127.0.0.1' : ip;
}

function securityOf(flags: BootstrapFlags): ControlPlaneSecurity {
  const { rootCertificate, tokenFile: token, clientCertificate: certificate, clientKey: key, serverName } = flags;
  const namesAny = [token, certificate, key, serverName].some((value) => value !== undefined);
  if (rootCertificate === undefined) {
    if (!namesAny) return { kind: 'plaintext' };
    throw new CommandError(
      exitCodes.usage,
      'without --root-certificate xDS is not encrypted, and nobody can show there who they are: name the file of the authorities of Weir’s certificate',
    );
  }
  if (token !== undefined) return { kind: 'token', rootCertificate, token };
  if (certificate !== undefined && key !== undefined) {
    return { kind: 'certificate', rootCertificate, certificate, key };
  }
  throw new CommandError(
    exitCodes.usage,
    'over TLS Weir serves whoever shows who they are: give --token-file, or --client-certificate and --client-key',
  );
}

function identityOf({ node, workload, namespace, ip, domain }: BootstrapFlags): WorkloadIdentity {
  if (node !== undefined) {
    const identity = parseNodeId(node);
    if (identity !== undefined) return identity;
    throw new CommandError(
      exitCodes.usage,
      `--node must be sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.DOMAIN with one namespace, and is ${node}`,
    );
  }
  if (workload !== undefined && namespace !== undefined && ip !== undefined) {
    return { name: workload, namespace, ip, domain };
  }
  const missing = Object.entries({ '--workload': workload, '--namespace': namespace, '--ip': ip })
    .filter(([, value]) => value === undefined)
    .map(([flag]) => flag);
  throw new CommandError(
    exitCodes.usage,
    `the workload is not known: give ${missing.join(', ')}, or its node id by --node`,
  );
}
