import { carryProbes } from './carried-probes.ts';
import type { Container, Pod } from './pod.ts';
import { bootstrapContainer, interceptContainer, proxyContainer } from './sidecar-containers.ts';
import {
  containerNames,
  proxyUser,
  sidecarVolumes,
  statusPort,
  volumeNames,
  type InjectionOptions,
} from './sidecar-form.ts';
import { sidecarSettings, type SidecarSettings } from './sidecar-settings.ts';

/** A pod as it should be, given a pod as somebody wants it: pure, and the same for the webhook and for `weir inject` (kubernetes K114). */

export type InjectionResult =
  /** `warnings`: what its author should know. */
  | { readonly kind: 'injected'; readonly pod: Pod; readonly warnings: readonly string[] }
  | { readonly kind: 'skipped'; readonly reason: string }
  /** An annotation says what cannot be. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Namespaces of Kubernetes itself (reliability R31). */
const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease'];

/** @param namespace in which the pod will be */
export function injectPod(pod: Pod, namespace: string, options: InjectionOptions): InjectionResult {
  const reason = reasonAgainst(pod, namespace, options);
  if (reason !== undefined) return { kind: 'skipped', reason };
  const settings = sidecarSettings(pod);
  if ('problems' in settings) return { kind: 'invalid', problems: settings.problems };
  if (settings.inject === false) return { kind: 'skipped', reason: 'its label or annotation says so' };
  return { kind: 'injected', pod: injected(pod, settings, options), warnings: warningsFor(pod, settings, options) };
}

function reasonAgainst({ spec }: Pod, namespace: string, options: InjectionOptions): string | undefined {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name);
  if (containers.includes(containerNames.proxy)) return 'it has a sidecar already';
  if (containers.includes('istio-proxy')) return 'it has a sidecar of Istio';
  if (spec.hostNetwork === true) return "it is on its node's network, whose connections are not its own";
  if ((spec.os?.name ?? spec.nodeSelector?.['kubernetes.io/os'] ?? 'linux') !== 'linux')
    return 'it does not run on Linux';
  if ([...systemNamespaces, ...options.excludedNamespaces].includes(namespace)) {
    return `pods of the namespace ${namespace} never get a sidecar`;
  }
  return undefined;
}

function injected(pod: Pod, settings: SidecarSettings, options: InjectionOptions): Pod {
  const { spec } = pod;
  const isNative = settings.native ?? options.nativeSidecars;
  const isReachable = (port: number): boolean =>
    !settings.rewritesProbes ||
    (settings.interception === 'redirect' &&
      (settings.excludedInboundPorts.includes(port) || settings.inboundPorts?.includes(port) === false));
  const main = carryProbes(spec.containers, statusPort, isReachable);
  const initial = carryProbes(spec.initContainers ?? [], statusPort, isReachable);
  const probes = [...main.probes, ...initial.probes];
  const before: readonly Container[] = [
    bootstrapContainer(settings, probes, options),
    ...(settings.interception === 'redirect' ? [interceptContainer(settings, options)] : []),
  ];
  const proxy = proxyContainer(settings, isNative, options);
  return {
    ...pod,
    metadata: metadataOf(pod),
    spec: {
      ...spec,
      // A container that begins before the sidecar of the older form would have a network that leads nowhere.
      initContainers: isNative ? [...before, proxy, ...initial.containers] : [...initial.containers, ...before],
      containers: isNative ? [...main.containers] : [proxy, ...main.containers],
      volumes: [...(spec.volumes ?? []), ...sidecarVolumes(options)],
    },
  };
}

/** Labels and annotations (kubernetes K111); what the author has said stays. */
function metadataOf({ metadata, spec }: Pod): Pod['metadata'] {
  const { labels, annotations } = metadata ?? {};
  const name = labels?.['app.kubernetes.io/name'] ?? labels?.['app'];
  const version = labels?.['app.kubernetes.io/version'] ?? labels?.['version'] ?? 'latest';
  const [first] = spec.containers;
  return {
    ...metadata,
    labels: {
      'security.istio.io/tlsMode': 'istio',
      ...(name === undefined ? {} : { 'service.istio.io/canonical-name': name }),
      'service.istio.io/canonical-revision': version,
      ...labels,
    },
    annotations: {
      ...(first === undefined ? {} : { 'kubectl.kubernetes.io/default-container': first.name }),
      ...annotations,
      'weir.dev/injected': JSON.stringify({
        containers: Object.values(containerNames),
        volumes: Object.values(volumeNames),
      }),
    },
  };
}

function warningsFor({ spec }: Pod, settings: SidecarSettings, options: InjectionOptions): readonly string[] {
  const user = [spec, ...spec.containers].find(({ securityContext }) => securityContext?.runAsUser === proxyUser);
  const isNative = settings.native ?? options.nativeSidecars;
  const ends = (spec.restartPolicy ?? 'Always') !== 'Always';
  return [
    ...(user === undefined
      ? []
      : [`a container runs as user ${proxyUser}, as the sidecar does: its connections are not intercepted`]),
    ...(isNative || !ends
      ? []
      : ['the pod will not complete, since its sidecar does not end: it needs a cluster with native sidecars']),
  ];
}
