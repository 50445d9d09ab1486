import type { Namespace } from '../../../model/workload.ts';
import type { Conversion, KubernetesObject } from './conversion.ts';

export function convertNamespace({ metadata }: KubernetesObject): Conversion<Namespace> {
  return { kind: 'valid', value: [{ name: metadata.name, labels: metadata.labels }] };
}
