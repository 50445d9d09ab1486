import { badRequest, invalid } from './refusal.ts';
import { leases, namespaces, pods, services, type ServedResource } from './resources.ts';
import { admitted } from './schema.ts';
import { within, type Json } from './stored-object.ts';

/** What the server itself puts into an object before it is kept, and what it refuses to keep. */

/** @throws Refusal */
export function admittedObject(resource: ServedResource, version: string, object: Json, name: string): Json {
  const schema = resource.schemas?.[version];
  if (schema !== undefined) {
    const { object: kept, causes } = admitted(object, schema);
    if (causes.length > 0) throw invalid(`${resource.kind}.${resource.group}`, name, causes);
    return kept;
  }
  if (resource === leases) checkLease(object);
  if (resource === services) checkService(object, name);
  return defaulted(resource, object, name);
}

/** MicroTime has six digits, neither more nor fewer. */
const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/;

function checkLease(object: Json): void {
  const { acquireTime, renewTime } = within(object, 'spec');
  for (const time of [acquireTime, renewTime]) {
    if (time === undefined || time === null || (typeof time === 'string' && microTime.test(time))) continue;
    throw badRequest(
      `Lease in version "v1" cannot be handled as a Lease: parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`,
    );
  }
}

function checkService(object: Json, name: string): void {
  const ports = (within(object, 'spec')['ports'] ?? []) as readonly Json[];
  const causes = ports.flatMap(({ port }, index) => {
    if (Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535) return [];
    const message = `Invalid value: ${JSON.stringify(port)}: must be between 1 and 65535, inclusive`;
    return [{ reason: 'FieldValueInvalid', field: `spec.ports[${index}].port`, message }];
  });
  if (causes.length > 0) throw invalid('Service', name, causes);
}

function defaulted(resource: ServedResource, object: Json, name: string): Json {
  const spec = within(object, 'spec');
  if (resource === namespaces) {
    const metadata = within(object, 'metadata');
    const labels = { ...within(metadata, 'labels'), 'kubernetes.io/metadata.name': name };
    return {
      ...object,
      metadata: { ...metadata, labels },
      spec: { finalizers: ['kubernetes'], ...spec },
      status: { phase: 'Active', ...within(object, 'status') },
    };
  }
  if (resource === pods) return { ...object, status: { phase: 'Pending', ...within(object, 'status') } };
  return resource === services ? { ...object, spec: serviceSpec(spec, name) } : object;
}

function serviceSpec(spec: Json, name: string): Json {
  const { type = 'ClusterIP', clusterIP = addressOf(name) } = spec;
  if (type === 'ExternalName') return { sessionAffinity: 'None', ...spec };
  const ports = (spec['ports'] ?? []) as readonly Json[];
  return {
    clusterIP,
    clusterIPs: [clusterIP],
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    sessionAffinity: 'None',
    type,
    ...spec,
    ports: ports.map((port) => ({ protocol: 'TCP', targetPort: port['port'], ...port })),
  };
}

/** An address in the Service range, from the name: this server allocates nothing. */
function addressOf(name: string): string {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_536;
  return `10.96.${hash >> 8}.${hash & 255}`;
}
