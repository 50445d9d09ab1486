import { encode, typeUrlOf, type TypeName } from '../../xds/proto.ts';
import { sidecarNodeId } from '../world.ts';
import { windowsOf, type GroupPlan, type Step, type StreamPlan } from './plan.ts';

/** What sidecars ask for: requests as Envoy makes them, encoded once and shared by all who ask for the same. */

const request = 'envoy.service.discovery.v3.DeltaDiscoveryRequest';
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

/** One type that a sidecar subscribes to. */
export interface Wanted {
  readonly type: TypeName;
  /** Empty: everything of the type. */
  readonly names: readonly string[];
  /** What it has already, by name. */
  readonly held?: Readonly<Record<string, string>>;
}

/** The body of the first request of a type. */
export function subscriptionTo({ type, names, held = {} }: Wanted): Uint8Array {
  return encode(request, {
    typeUrl: typeUrlOf(type),
    resourceNamesSubscribe: [...names],
    initialResourceVersions: { ...held },
  });
}

export interface Sidecars {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  readonly count: number;
  readonly bodies: readonly Uint8Array[];
  /** The requests of one sidecar. */
  readonly stepsOf: (sidecar: number) => readonly Step[];
  /** Resources, or names that do not exist, after which a sidecar has everything. */
  readonly complete: number;
}

/** Milliseconds in which all have to be complete. */
const patience = 60_000;

/** A group of sidecars that behave as Envoys do, unless said otherwise. */
export function sidecarGroup(
  { name, address, count, bodies, stepsOf, complete }: Sidecars,
  behaviour: Partial<GroupPlan> = {},
): GroupPlan {
  const streams = Array.from({ length: count }, (_, index): StreamPlan => ({
    node: nodeOf(index),
    steps: stepsOf(index),
  }));
  return {
    name,
    address,
    path,
    windows: windowsOf.envoy,
    grants: true,
    ack: { kind: 'at-once' },
    tls: undefined,
    batch: count,
    gap: 0,
    bodies,
    streams,
    complete,
    deadline: patience,
    ...behaviour,
  };
}

function nodeOf(index: number): Uint8Array {
  return encode(request, { node: { id: sidecarNodeId(index) } });
}
