import type { Finding } from '../model/provenance.ts';
import type { Namespace, Workload } from '../model/workload.ts';

/**
 * Pods that should have a sidecar and have none (reliability R31): those that were there before their namespace had its label, and those that
 * were created while the webhook was not asked. That a pod opted out by an annotation is not known here: the label says it to everybody.
 */
export function missingSidecars(workloads: Iterable<Workload>, namespaces: Iterable<Namespace>): readonly Finding[] {
  const meshed = new Set([...namespaces].filter(isMeshed).map(({ name }) => name));
  if (meshed.size === 0) return [];
  const found: Finding[] = [];
  for (const workload of workloads) {
    if (meshed.has(workload.namespace) && isWithout(workload)) found.push(findingOf(workload));
  }
  return found;
}

function isMeshed({ labels }: Namespace): boolean {
  if (labels['weir.dev/injection'] === 'disabled') return false;
  return labels['weir.dev/injection'] === 'enabled' || labels['weir.dev/revision'] !== undefined;
}

/** A pod on the network of its node has no addresses of its own, and gets no sidecar. */
function isWithout({ declaredBy, addresses, labels }: Workload): boolean {
  return (
    declaredBy.kind === 'Pod' &&
    addresses.length > 0 &&
    labels['security.istio.io/tlsMode'] === undefined &&
    labels['weir.dev/inject'] !== 'false' &&
    labels['sidecar.istio.io/inject'] !== 'false'
  );
}

function findingOf({ declaredBy, namespace }: Workload): Finding {
  return {
    severity: 'warning',
    code: 'IST0103',
    object: declaredBy,
    path: '',
    message: `the namespace ${namespace} has sidecars and this pod has none: no rule of the mesh holds for what it does`,
    advice: 'Create it again, so that it gets one; or label it weir.dev/inject=false',
  };
}
