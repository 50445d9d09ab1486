import { z } from 'zod';
import { flatText } from '../../../model/keys.ts';
import type { ObjectReference, Origin } from '../../../model/provenance.ts';
import type { ObjectMetadata } from './metadata.ts';
import { says, type Reading } from './violations.ts';

/** What converting an object needs to know beside the object. */
export interface ConversionContext {
  /** Name of the source, part of the keys of what it alone can know. */
  readonly source: string;
  /** Name of the cluster that the object is of; undefined for objects of no cluster. */
  readonly cluster?: string;
  /** Cluster domain, for example `cluster.local`. */
  readonly domain: string;
  readonly origin: Origin;
}

/** An object whose metadata has been read. */
export interface KubernetesObject {
  readonly metadata: ObjectMetadata;
  /** The whole object as plain data; fields that nobody reads are ignored. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** The rows of an object (none when it does not concern the mesh), or everything that is wrong with it. */
export type Conversion<Row> = Reading<readonly Row[]>;

/** Full name of a Kubernetes service. */
export function hostnameOfService(name: string, namespace: string, domain: string): string {
  return flatText('.', name, namespace, 'svc', domain);
}

export function referenceTo(kind: string, metadata: ObjectMetadata, context: ConversionContext): ObjectReference {
  const { namespace, name, generation } = metadata;
  return { kind, namespace, name, ...(generation === undefined ? {} : { generation }), origin: context.origin };
}

const portText = says('WEIR1004', 'a port is a whole number from 1 to 65535', 'write such a number, without quotes');
export const portNumber = z.int().min(1, portText).max(65535, portText);

/** Whether the mesh carries a transport; UDP and SCTP ports are left out of every row (policy P301, K78). */
export function isCarried(transport: string | null | undefined): boolean {
  return transport === undefined || transport === null || transport === 'TCP';
}
