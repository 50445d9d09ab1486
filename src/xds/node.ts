import { isIP } from 'node:net';
import { parseCidr } from '../model/cidr.ts';
import type { ProxyKey } from '../model/keys.ts';
import type { Interception, Proxy } from '../model/proxy.ts';
import type { Locality } from '../model/workload.ts';

/** What a node says of itself that cannot be: all of it at once, each a sentence without a full stop. */
export interface NodeError {
  readonly problems: readonly string[];
}

export function isNodeError(result: Proxy | NodeError): result is NodeError {
  return 'problems' in result;
}

/**
 * Who a proxy is, from the Envoy node of its first request (istio-compat I90 to I93): id `sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN`
 * and metadata as Istio's agent sends it, of which all is optional; `WEIR_BOUND_ADDRESSES` is Weir's own: the CIDR of virtual
 * addresses that the proxy binds itself.
 *
 * @param node an `envoy.config.core.v3.Node`, decoded or as JSON, with names in camelCase or as in the `.proto` file
 * @param keyOf makes the key of the connection from the node's id
 */
export function proxyOfNode(node: unknown, keyOf: (nodeId: string) => ProxyKey): Proxy | NodeError {
  if (!isObject(node)) return { problems: ['the node is not an object'] };
  const problems: string[] = [];
  const id = idOf(node['id'], problems);
  const metadata = new Metadata(plain(node['metadata']), problems);
  const addresses = addressesOf(metadata.text('INSTANCE_IPS'), id?.address, problems);
  const proxy = {
    nodeId: id?.text ?? '',
    addresses,
    workloadName: id?.workloadName ?? '',
    namespace: metadata.text('NAMESPACE') ?? id?.namespace ?? '',
    domain: id?.domain ?? '',
    labels: metadata.texts('LABELS'),
    serviceAccount: metadata.text('SERVICE_ACCOUNT') ?? '',
    clusterId: metadata.text('CLUSTER_ID') ?? '',
    locality: localityOf(node['locality']),
    interception: interceptionOf(metadata.text('INTERCEPTION_MODE'), problems),
    httpProxyPort: metadata.port('HTTP_PROXY_PORT'),
    boundAddresses: boundAddressesOf(metadata.text('WEIR_BOUND_ADDRESSES'), problems),
    podPorts: metadata.podPorts(),
    version: metadata.text('ISTIO_VERSION') ?? envoyVersionOf(node),
    extensions: extensionsOf(node['extensions']),
    takesVirtualHosts: takesVirtualHosts(node, metadata),
    // What a node says of itself is no proof of who it is.
    secrets: 'none' as const,
  };
  return problems.length > 0 ? { problems } : { key: keyOf(proxy.nodeId), ...proxy };
}

/** Whether an Istio agent stands between an Envoy and Weir: it says its version (istio-compat I91, I93). @param node as for `proxyOfNode` */
export function isBehindAgent(node: unknown): boolean {
  return isObject(node) && new Metadata(plain(node['metadata']), []).text('ISTIO_VERSION') !== undefined;
}

interface NodeId {
  readonly text: string;
  readonly address: string;
  readonly workloadName: string;
  readonly namespace: string;
  readonly domain: string;
}

const form = 'sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN';

function idOf(id: unknown, problems: string[]): NodeId | undefined {
  if (typeof id !== 'string' || id === '') {
    problems.push(`the node has no id; it must be ${form}`);
    return undefined;
  }
  const parts = id.split('~');
  const [type = '', address = '', workload = '', domainName = ''] = parts;
  if (parts.length !== 4) {
    problems.push(`the node id '${id}' has ${parts.length} parts between tildes and must have 4: ${form}`);
    return undefined;
  }
  if (/\s/.test(id)) problems.push(`the node id '${id}' holds blanks`);
  if (type !== 'sidecar') problems.push(`proxies of type '${type}' are not served, only 'sidecar': ${form}`);
  if (address !== '' && isIP(address) === 0) problems.push(`'${address}' in the node id is no IP address: ${form}`);
  const dot = workload.lastIndexOf('.');
  if (dot <= 0 || dot === workload.length - 1) {
    problems.push(`'${workload}' in the node id is not of the form POD.NAMESPACE: ${form}`);
  }
  const match = /^([^.]+)\.svc\.(.+)$/.exec(domainName);
  if (match === null) problems.push(`'${domainName}' in the node id is not of the form NAMESPACE.svc.DOMAIN: ${form}`);
  const [, namespace = '', domain = ''] = match ?? [];
  return { text: id, address, workloadName: workload.slice(0, dot), namespace, domain };
}

/** Metadata first, id second (I90). */
function addressesOf(
  instanceIps: string | undefined,
  idAddress: string | undefined,
  problems: string[],
): readonly string[] {
  const listed = (instanceIps ?? '').split(',').map((text) => text.trim());
  const addresses = listed.filter((text) => isIP(text) !== 0);
  if (addresses.length > 0) return addresses;
  if (idAddress !== undefined && isIP(idAddress) !== 0) return [idAddress];
  if (idAddress === '') problems.push('the node names no IP address, neither in its id nor in metadata INSTANCE_IPS');
  return [];
}

function interceptionOf(mode: string | undefined, problems: string[]): Interception {
  switch (mode) {
    case undefined:
    case '':
    case 'REDIRECT':
    case 'TPROXY':
      return 'redirect';
    case 'NONE':
      return 'none';
    default:
      problems.push(`metadata INTERCEPTION_MODE is '${mode}' and must be REDIRECT, TPROXY or NONE`);
      return 'redirect';
  }
}

function boundAddressesOf(cidr: string | undefined, problems: string[]): string | undefined {
  if (cidr === undefined || cidr === '') return undefined;
  if (parseCidr(cidr) === undefined) problems.push(`metadata WEIR_BOUND_ADDRESSES is '${cidr}' and must be a CIDR`);
  return cidr;
}

function localityOf(value: unknown): Locality {
  const locality = isObject(value) ? value : {};
  return {
    region: textOf(locality['region']) ?? '',
    zone: textOf(locality['zone']) ?? '',
    subZone: textOf(locality['subZone'] ?? locality['sub_zone']) ?? '',
  };
}

function envoyVersionOf(node: Readonly<Record<string, unknown>>): string {
  const build = node['userAgentBuildVersion'] ?? node['user_agent_build_version'];
  const version = isObject(build) ? build['version'] : undefined;
  if (!isObject(version)) return textOf(node['userAgentVersion'] ?? node['user_agent_version']) ?? '';
  const [major = 0, minor = 0, patch = 0] = [
    version['majorNumber'] ?? version['major_number'],
    version['minorNumber'] ?? version['minor_number'],
    version['patch'],
  ];
  return `${Number(major)}.${Number(minor)}.${Number(patch)}`;
}

/**
 * Envoy from 1.40 on, which was seen to use virtual hosts that it has not asked for (xds-protocol X310). Behind an Istio agent, which says
 * its version, other software stands between Envoy and Weir.
 */
function takesVirtualHosts(node: Readonly<Record<string, unknown>>, metadata: Metadata): boolean {
  const [major = 0, minor = 0] = envoyVersionOf(node).split('.').map(Number);
  const isEnvoy = textOf(node['userAgentName'] ?? node['user_agent_name']) === 'envoy';
  return isEnvoy && metadata.text('ISTIO_VERSION') === undefined && (major > 1 || (major === 1 && minor >= 40));
}

function extensionsOf(value: unknown): ReadonlySet<string> | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return new Set(value.map((extension) => (isObject(extension) ? textOf(extension['name']) : undefined) ?? ''));
}

/** Metadata of a node, read with the looseness of those who write it: numbers and JSON arrive as text or as what they are. */
class Metadata {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #problems: string[];

  constructor(value: unknown, problems: string[]) {
    this.#fields = isObject(value) ? value : {};
    this.#problems = problems;
  }

  text(name: string): string | undefined {
    return textOf(this.#fields[name]);
  }

  texts(name: string): Readonly<Record<string, string>> {
    const value = this.#fields[name];
    if (!isObject(value)) return {};
    return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, textOf(text) ?? '']));
  }

  port(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined || text === '') return undefined;
    const port = Number(text);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
    this.#problems.push(`metadata ${name} is '${text}' and must be a port`);
    return undefined;
  }

  podPorts(): Proxy['podPorts'] {
    const value = this.#fields['POD_PORTS'];
    const ports = typeof value === 'string' && value !== '' ? this.#parse('POD_PORTS', value) : value;
    if (!Array.isArray(ports)) return [];
    return ports.filter(isObject).map((port) => ({
      name: textOf(port['name']) ?? '',
      containerPort: Number(port['containerPort'] ?? 0),
    }));
  }

  #parse(name: string, json: string): unknown {
    try {
      return JSON.parse(json);
    } catch {
      this.#problems.push(`metadata ${name} is no JSON`);
      return undefined;
    }
  }
}

/** Metadata arrives as protobuf's `Struct`, or as the JSON that it stands for. */
function plain(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { fields } = value;
  return isObject(fields) ? fromStruct(fields) : value;
}

function fromStruct(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fromValue(value)]));
}

function fromValue(value: unknown): unknown {
  if (!isObject(value)) return undefined;
  const { structValue, listValue, ...scalar } = value;
  if (isObject(structValue)) return fromStruct(isObject(structValue['fields']) ? structValue['fields'] : {});
  if (isObject(listValue)) return Array.isArray(listValue['values']) ? listValue['values'].map(fromValue) : [];
  return scalar['stringValue'] ?? scalar['numberValue'] ?? scalar['boolValue'];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
