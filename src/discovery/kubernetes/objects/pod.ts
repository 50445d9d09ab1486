import { isIP } from 'node:net';
import { z } from 'zod';
import { nodeKey, workloadKey } from '../../../model/keys.ts';
import type { Workload } from '../../../model/workload.ts';
import {
  portNumber,
  referenceTo,
  type Conversion,
  type ConversionContext,
  type KubernetesObject,
} from './conversion.ts';
import { readBy, says } from './violations.ts';

const ip = z.string().refine((text) => text === '' || isIP(text) !== 0, {
  error: says('WEIR1011', 'this is not an IP address', 'write an IPv4 or IPv6 address'),
});

const container = z.object({
  restartPolicy: z.string().nullish(),
  ports: z
    .array(z.object({ name: z.string().nullish(), containerPort: portNumber, protocol: z.string().nullish() }))
    .nullish(),
});

const podSchema = z.object({
  metadata: z.object({ uid: z.string().nullish() }).nullish(),
  spec: z
    .object({
      serviceAccountName: z.string().nullish(),
      nodeName: z.string().nullish(),
      hostNetwork: z.boolean().nullish(),
      containers: z.array(container).nullish(),
      initContainers: z.array(container).nullish(),
    })
    .nullish(),
  status: z
    .object({
      phase: z.string().nullish(),
      podIP: ip.nullish(),
      podIPs: z.array(z.object({ ip: ip.nullish() })).nullish(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).nullish(),
    })
    .nullish(),
});
type Pod = z.output<typeof podSchema>;
type Spec = NonNullable<Pod['spec']>;
type Status = NonNullable<Pod['status']>;

/** A Pod as a workload; none when it has finished, since its addresses may already be somebody else's (K72). */
export function convertPod(object: KubernetesObject, context: ConversionContext): Conversion<Workload> {
  const { metadata } = object;
  const reading = readBy(podSchema, object.content);
  if (reading.kind === 'invalid') return reading;
  const spec = reading.value.spec ?? {};
  const status = reading.value.status ?? {};
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return { kind: 'valid', value: [] };
  const workload: Workload = {
    key: workloadKey(context.source, metadata.namespace, metadata.name),
    namespace: metadata.namespace,
    name: metadata.name,
    // The address of the host is shared by all who use its network: it tells nobody apart (K77).
    addresses: spec.hostNetwork === true ? [] : addressesOf(status),
    labels: labelsOf(metadata.labels, context),
    serviceAccount: spec.serviceAccountName ?? 'default',
    ...uidOf(reading.value),
    ...(typeof spec.nodeName === 'string' && spec.nodeName !== ''
      ? { node: nodeKey(context.source, spec.nodeName) }
      : {}),
    namedPorts: namedPorts(spec),
    ready: !metadata.terminating && isReady(status),
    declaredBy: referenceTo('Pod', metadata, context),
  };
  return { kind: 'valid', value: [workload] };
}

function uidOf({ metadata }: Pod): Pick<Workload, 'uid'> {
  const uid = metadata?.uid;
  return typeof uid === 'string' && uid !== '' ? { uid } : {};
}

/** Rules can tell clusters apart by a label that Istio gives endpoints too (K117). */
function labelsOf(labels: Workload['labels'], { cluster }: ConversionContext): Workload['labels'] {
  return cluster === undefined ? labels : { ...labels, 'topology.istio.io/cluster': cluster };
}

function addressesOf(status: Status): readonly string[] {
  const listed = (status.podIPs ?? []).flatMap((entry) => entry.ip ?? []);
  const all = status.podIP === undefined || status.podIP === null ? listed : [status.podIP, ...listed];
  return [...new Set(all)].filter((address) => address !== '');
}

/** A pod written by hand has no conditions: it is ready unless its phase says otherwise. */
function isReady(status: Status): boolean {
  const condition = status.conditions?.find(({ type }) => type === 'Ready');
  if (condition !== undefined) return condition.status === 'True';
  return (status.phase ?? 'Running') === 'Running';
}

/** Of equal names the first counts. Init containers that stay up are sidecars (K74). */
function namedPorts(spec: Spec): Readonly<Record<string, number>> {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const named: Record<string, number> = {};
  for (const { ports } of [...(spec.containers ?? []), ...sidecars]) {
    for (const { name, containerPort } of ports ?? []) {
      if (typeof name === 'string' && name !== '') named[name] ??= containerPort;
    }
  }
  return named;
}
