import { isIP } from 'node:net';
import { z } from 'zod';
import { sortedByAddress, type EndpointShard, type Health, type ShardEndpoint } from '../../../model/endpoint.ts';
import { endpointShardKey, nodeKey, serviceKey, workloadKey } from '../../../model/keys.ts';
import type { Violation } from '../../../model/provenance.ts';
import {
  hostnameOfService,
  isCarried,
  portNumber,
  referenceTo,
  type Conversion,
  type ConversionContext,
  type KubernetesObject,
} from './conversion.ts';
import { errorAt, readBy, says } from './violations.ts';

/** Names the Service that a slice belongs to; without it a slice is nobody's (K75). */
const serviceNameLabel = 'kubernetes.io/service-name';

export const targetReference = z.object({
  kind: z.string().nullish(),
  name: z.string().nullish(),
  namespace: z.string().nullish(),
});

export const endpointPort = z.object({
  name: z.string().nullish(),
  port: portNumber.nullish(),
  protocol: z.string().nullish(),
});

const conditions = z.object({
  ready: z.boolean().nullish(),
  serving: z.boolean().nullish(),
  terminating: z.boolean().nullish(),
});

const sliceSchema = z.object({
  addressType: z.enum(['IPv4', 'IPv6'], {
    error: (issue) =>
      issue.input === 'FQDN'
        ? says('WEIR2012', 'endpoints given by name are not supported', 'use a ServiceEntry with `resolution: DNS`')
        : says(
            'WEIR1003',
            'the address type is neither IPv4 nor IPv6',
            'write `addressType: IPv4` or `addressType: IPv6`',
          ),
  }),
  ports: z.array(endpointPort).nullish(),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()),
        conditions: conditions.nullish(),
        hostname: z.string().nullish(),
        nodeName: z.string().nullish(),
        zone: z.string().nullish(),
        targetRef: targetReference.nullish(),
      }),
    )
    .nullish(),
});
type Slice = z.output<typeof sliceSchema>;
type SliceEndpoint = NonNullable<Slice['endpoints']>[number];

/** An EndpointSlice as one shard of its service's endpoints; none when it names no service (K75, K76, K78). */
export function convertEndpointSlice(object: KubernetesObject, context: ConversionContext): Conversion<EndpointShard> {
  const { metadata } = object;
  const reading = readBy(sliceSchema, object.content);
  if (reading.kind === 'invalid') return reading;
  const slice = reading.value;
  const violations = addressViolations(slice);
  if (violations.length > 0) return { kind: 'invalid', violations };
  const serviceName = metadata.labels[serviceNameLabel];
  if (serviceName === undefined || serviceName === '') return { kind: 'valid', value: [] };
  const service = serviceKey(metadata.namespace, hostnameOfService(serviceName, metadata.namespace, context.domain));
  const shard: EndpointShard = {
    key: endpointShardKey(service, context.source, `slices/${metadata.name}`),
    service,
    ports: portsOf(slice.ports ?? []),
    endpoints: sortedByAddress(
      (slice.endpoints ?? []).flatMap((endpoint) => convertEndpoint(endpoint, metadata.namespace, context)),
    ),
    declaredBy: referenceTo('discovery.k8s.io/EndpointSlice', metadata, context),
  };
  return { kind: 'valid', value: [shard] };
}

/** Port name -> number. A port without a number means "any", which no cluster can express. */
export function portsOf(ports: readonly z.output<typeof endpointPort>[]): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const { name, port, protocol } of ports) {
    if (typeof port === 'number' && isCarried(protocol)) numbers[name ?? ''] = port;
  }
  return numbers;
}

/** The pod behind an address. Nothing is guessed where the reference is to something else (K77). */
export function workloadOf(
  reference: z.output<typeof targetReference> | null | undefined,
  namespace: string,
  source: string,
): Pick<ShardEndpoint, 'workload'> {
  if (reference?.kind !== 'Pod' || typeof reference.name !== 'string') return {};
  return { workload: workloadKey(source, reference.namespace ?? namespace, reference.name) };
}

function convertEndpoint(
  endpoint: SliceEndpoint,
  namespace: string,
  context: ConversionContext,
): readonly ShardEndpoint[] {
  const { hostname, nodeName, zone } = endpoint;
  const shared = {
    health: healthOf(endpoint.conditions ?? {}),
    ...workloadOf(endpoint.targetRef, namespace, context.source),
    ...(typeof hostname === 'string' ? { hostname } : {}),
    ...(typeof nodeName === 'string' ? { node: nodeKey(context.source, nodeName) } : {}),
    ...(typeof zone === 'string' ? { zone } : {}),
  };
  return endpoint.addresses.map((address) => ({ address, ...shared }));
}

/** A condition that is not given counts as ready, serving, not terminating (K76). */
function healthOf({ ready, serving, terminating }: z.output<typeof conditions>): Health {
  if (ready ?? true) return 'healthy';
  return (terminating ?? false) && (serving ?? true) ? 'draining' : 'unhealthy';
}

function addressViolations(slice: Slice): readonly Violation[] {
  const family = slice.addressType === 'IPv4' ? 4 : 6;
  return (slice.endpoints ?? []).flatMap(({ addresses }, endpoint) =>
    addresses.flatMap((address, index) => {
      if (isIP(address) === family) return [];
      const path = `endpoints[${endpoint}].addresses[${index}]`;
      const message = `${JSON.stringify(address)} is not an ${slice.addressType} address`;
      return [errorAt('WEIR1011', path, message, 'correct the address or `addressType`')];
    }),
  );
}
