import { isIP } from 'node:net';
import { z } from 'zod';
import { sortedByAddress, type EndpointShard, type Health, type ShardEndpoint } from '../../../model/endpoint.ts';
import { endpointShardKey, nodeKey, serviceKey } from '../../../model/keys.ts';
import {
  hostnameOfService,
  referenceTo,
  type Conversion,
  type ConversionContext,
  type KubernetesObject,
} from './conversion.ts';
import { endpointPort, portsOf, targetReference, workloadOf } from './endpoint-slice.ts';
import { readBy, says } from './violations.ts';

const address = z.object({
  ip: z.string().refine((text) => isIP(text) !== 0, {
    error: says('WEIR1011', 'this is not an IP address', 'write an IPv4 or IPv6 address'),
  }),
  hostname: z.string().nullish(),
  nodeName: z.string().nullish(),
  targetRef: targetReference.nullish(),
});

const endpointsSchema = z.object({
  subsets: z
    .array(
      z.object({
        addresses: z.array(address).nullish(),
        notReadyAddresses: z.array(address).nullish(),
        ports: z.array(endpointPort).nullish(),
      }),
    )
    .nullish(),
});

/** Endpoints, the older form of EndpointSlice: a shard per subset, of the service that has the object's name. */
export function convertEndpoints(object: KubernetesObject, context: ConversionContext): Conversion<EndpointShard> {
  const { metadata } = object;
  const reading = readBy(endpointsSchema, object.content);
  if (reading.kind === 'invalid') return reading;
  const service = serviceKey(metadata.namespace, hostnameOfService(metadata.name, metadata.namespace, context.domain));
  const convert = (given: z.output<typeof address>, health: Health): ShardEndpoint => ({
    address: given.ip,
    health,
    ...workloadOf(given.targetRef, metadata.namespace, context.source),
    ...(typeof given.hostname === 'string' ? { hostname: given.hostname } : {}),
    ...(typeof given.nodeName === 'string' ? { node: nodeKey(context.source, given.nodeName) } : {}),
  });
  const shards = (reading.value.subsets ?? []).map((subset, index): EndpointShard => ({
    key: endpointShardKey(service, context.source, `endpoints/${metadata.name}/${index}`),
    service,
    ports: portsOf(subset.ports ?? []),
    endpoints: sortedByAddress([
      ...(subset.addresses ?? []).map((given) => convert(given, 'healthy')),
      ...(subset.notReadyAddresses ?? []).map((given) => convert(given, 'unhealthy')),
    ]),
    declaredBy: referenceTo('Endpoints', metadata, context),
  }));
  return { kind: 'valid', value: shards };
}
