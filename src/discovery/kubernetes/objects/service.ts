import { isIP } from 'node:net';
import { z } from 'zod';
import { serviceKey } from '../../../model/keys.ts';
import { protocolOfPort } from '../../../model/protocol.ts';
import type { Violation } from '../../../model/provenance.ts';
import type { Resolution, Service, ServicePort } from '../../../model/service.ts';
import {
  hostnameOfService,
  isCarried,
  portNumber,
  referenceTo,
  type Conversion,
  type ConversionContext,
  type KubernetesObject,
} from './conversion.ts';
import { labelsSchema } from './metadata.ts';
import { errorAt, readBy, says } from './violations.ts';

const clusterIp = z.string().refine((text) => text === '' || text === 'None' || isIP(text) !== 0, {
  error: says('WEIR1011', 'this is neither an IP address nor None', 'write the address, or leave the field out'),
});

const portSchema = z.object({
  name: z.string().nullish(),
  port: portNumber,
  targetPort: z
    .union([z.int().min(0).max(65535), z.string()], {
      error: says(
        'WEIR1002',
        'a target port is a number from 1 to 65535 or the name of a container port',
        'write one of them',
      ),
    })
    .nullish(),
  protocol: z.string().nullish(),
  appProtocol: z.string().nullish(),
});

const serviceSchema = z.object({
  spec: z
    .object({
      type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).nullish(),
      clusterIP: clusterIp.nullish(),
      clusterIPs: z.array(clusterIp).nullish(),
      externalName: z.string().nullish(),
      ports: z.array(portSchema).nullish(),
      selector: labelsSchema.nullish(),
      publishNotReadyAddresses: z.boolean().nullish(),
      trafficDistribution: z.string().nullish(),
      sessionAffinity: z.string().nullish(),
      internalTrafficPolicy: z.string().nullish(),
    })
    .nullish(),
});
type Spec = NonNullable<z.output<typeof serviceSchema>['spec']>;
type Port = z.output<typeof portSchema>;

const exportAnnotation = 'networking.istio.io/exportTo';

/**
 * A Service as the mesh sees it (K78, K79): node ports and load balancers are ways in from outside and play no part. A headless service
 * has no addresses; neither has one whose address was never assigned, as in a file written by hand.
 */
export function convertService(object: KubernetesObject, context: ConversionContext): Conversion<Service> {
  const { metadata } = object;
  const reading = readBy(serviceSchema, object.content);
  if (reading.kind === 'invalid') return reading;
  const spec = reading.value.spec ?? {};
  const violations = violationsOf(spec);
  if (violations.length > 0) return { kind: 'invalid', violations };
  const hostname = hostnameOfService(metadata.name, metadata.namespace, context.domain);
  const resolution: Resolution = spec.type === 'ExternalName' ? 'external-name' : 'endpoints';
  const service: Service = {
    key: serviceKey(metadata.namespace, hostname),
    hostname,
    namespace: metadata.namespace,
    name: metadata.name,
    registry: 'kubernetes',
    ports: (spec.ports ?? []).flatMap(convertPort),
    addresses: resolution === 'external-name' ? [] : addressesOf(spec),
    headless: resolution === 'endpoints' && addressFields(spec).includes('None'),
    resolution,
    ...(resolution === 'external-name'
      ? { externalName: (spec.externalName ?? '').toLowerCase().replace(/\.$/, '') }
      : {}),
    meshExternal: resolution === 'external-name',
    exportTo: exportTo(metadata.annotations[exportAnnotation]),
    labels: metadata.labels,
    selector: resolution === 'external-name' ? undefined : selectorOf(spec),
    ...distributionOf(spec),
    ...(staysOnNode(spec) ? { staysOnNode: true } : {}),
    ...(spec.sessionAffinity === 'ClientIP' ? { sessionAffinity: 'client-ip' } : {}),
    publishNotReady: spec.publishNotReadyAddresses ?? false,
    createdAt: metadata.createdAt,
    declaredBy: referenceTo('Service', metadata, context),
  };
  return { kind: 'valid', value: [service] };
}

function convertPort(port: Port): readonly ServicePort[] {
  if (!isCarried(port.protocol)) return [];
  const protocol = protocolOfPort({
    name: port.name ?? undefined,
    number: port.port,
    appProtocol: port.appProtocol ?? undefined,
  });
  if (protocol === 'udp') return [];
  return [{ name: port.name ?? '', number: port.port, protocol, targetPort: targetPortOf(port) }];
}

function targetPortOf({ port, targetPort }: Port): number | string {
  if (targetPort === undefined || targetPort === null || targetPort === 0 || targetPort === '') return port;
  if (typeof targetPort === 'string' && /^\d+$/.test(targetPort)) return Number(targetPort);
  return targetPort;
}

/** `clusterIP` repeats the first of `clusterIPs`; objects written by hand have either. */
function addressFields(spec: Spec): readonly string[] {
  return spec.clusterIPs ?? (typeof spec.clusterIP === 'string' ? [spec.clusterIP] : []);
}

function addressesOf(spec: Spec): readonly string[] {
  return addressFields(spec).filter((address) => address !== '' && address !== 'None');
}

/** An empty selector selects nothing, as in Kubernetes: the endpoints are somebody else's. */
function selectorOf({ selector }: Spec): Readonly<Record<string, string>> | undefined {
  return selector === undefined || selector === null || Object.keys(selector).length === 0 ? undefined : selector;
}

/** `PreferClose` is the older name of `PreferSameZone`; what is not known prefers nothing, as in Kubernetes (K81). */
function distributionOf({ trafficDistribution }: Spec): Pick<Service, 'trafficDistribution'> {
  switch (trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return { trafficDistribution: 'prefer-same-zone' };
    case 'PreferSameNode':
      return { trafficDistribution: 'prefer-same-node' };
    default:
      return {};
  }
}

/** What is sent to a virtual address: there is none of a headless service or an alias. */
function staysOnNode(spec: Spec): boolean {
  const isHeadless = addressFields(spec).includes('None');
  return spec.internalTrafficPolicy === 'Local' && spec.type !== 'ExternalName' && !isHeadless;
}

/** Names separated by commas (policy G3). */
function exportTo(annotation: string | undefined): readonly string[] | undefined {
  const names = (annotation ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length === 0 ? undefined : names;
}

function violationsOf(spec: Spec): readonly Violation[] {
  const ports = spec.ports ?? [];
  return [...externalNameViolations(spec), ...ports.flatMap((port, index) => portViolations(port, index, ports))];
}

function externalNameViolations(spec: Spec): readonly Violation[] {
  if (spec.type !== 'ExternalName' || isDnsName(spec.externalName ?? '')) return [];
  const missing = (spec.externalName ?? '') === '';
  return [
    errorAt(
      missing ? 'WEIR1005' : 'WEIR1010',
      'spec.externalName',
      missing ? 'a service of type ExternalName names no host' : 'this is not a DNS name',
      'write the DNS name that the service stands for',
    ),
  ];
}

function isDnsName(text: string): boolean {
  return text.length <= 253 && /^[a-zA-Z0-9_]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?\.?$/.test(text);
}

/** What the API server refuses; a file has not been past it. */
function portViolations(port: Port, index: number, ports: readonly Port[]): readonly Violation[] {
  const at = `spec.ports[${index}]`;
  const earlier = ports.slice(0, index);
  const violations: Violation[] = [];
  if (ports.length > 1 && (port.name ?? '') === '') {
    const advice = 'give each port of a service with several ports a name';
    violations.push(errorAt('WEIR1005', `${at}.name`, 'the port has no name', advice));
  } else if (earlier.some((other) => (other.name ?? '') === (port.name ?? ''))) {
    const message = `another port has the name ${port.name ?? ''}`;
    violations.push(errorAt('WEIR1305', `${at}.name`, message, 'give each port a name of its own'));
  }
  const transport = port.protocol ?? 'TCP';
  if (earlier.some((other) => other.port === port.port && (other.protocol ?? 'TCP') === transport)) {
    const message = `another port has the number ${port.port} and the protocol ${transport}`;
    violations.push(errorAt('WEIR1305', `${at}.port`, message, 'give each port a number of its own'));
  }
  return violations;
}
