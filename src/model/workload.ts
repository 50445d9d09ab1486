import type { NodeKey, WorkloadKey } from './keys.ts';
import type { ObjectReference } from './provenance.ts';

/** Region, zone and sub-zone; empty text where unknown. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export const unknownLocality: Locality = { region: '', zone: '', subZone: '' };

/** Something that runs and has addresses: a pod, or a machine outside Kubernetes. */
export interface Workload {
  readonly key: WorkloadKey;
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Of a pod: tells it from one of the same name that was there before. */
  readonly uid?: string;
  /** The machine that it runs on, where that is known. */
  readonly node?: NodeKey;
  /** Named ports of the workload's containers. */
  readonly namedPorts: Readonly<Record<string, number>>;
  readonly ready: boolean;
  readonly declaredBy: ObjectReference;
}

/** A machine that workloads run on. */
export interface Node {
  readonly key: NodeKey;
  readonly name: string;
  readonly locality: Locality;
}

export interface Namespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}
