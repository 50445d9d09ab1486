import type { Endpoint, Health } from '../../model/endpoint.ts';
import type { LocalityPreference } from '../../model/traffic-policy.ts';
import type { Locality } from '../../model/workload.ts';
import { selects, type Labels } from '../../policy/label-match.ts';
import { distributedWeights } from './locality-weights.ts';
import { compacted, priorityOf } from './locality-priority.ts';

/** One address and port that a cluster sends to. */
export interface Member {
  /** IPv4 or IPv6 address, DNS name, or `unix://` and a path. */
  readonly address: string;
  readonly port: number;
  readonly health: Health;
  /** At least 1. */
  readonly weight: number;
}

/** Endpoints of one locality that are tried at the same time. */
export interface LocalityGroup {
  readonly locality: Locality;
  /** 0: tried first. The priorities of an assignment have no gaps (hot-path H305). */
  readonly priority: number;
  /** Share among the localities of its priority; undefined: endpoints are picked whatever their locality. */
  readonly weight: number | undefined;
  /** Sorted by address, then port; none twice. */
  readonly members: readonly Member[];
}

/** Where the client is, for preferences among localities. */
export interface ClientPlace {
  readonly locality: Locality;
  readonly labels: Labels;
}

/** What of a service's endpoints belongs to a cluster. */
export interface MemberSelection {
  readonly portName: string;
  /** Labels of the cluster's subset; none: all endpoints. */
  readonly labels: Labels;
}

/**
 * The endpoints of a cluster in the order of hot-path H304: localities by priority and name, in each the endpoints by address
 * and port.
 *
 * @param endpoints sorted by address
 * @param preference undefined: no locality is better than another, and the client's place does not matter
 */
export function localityGroups(
  endpoints: readonly Endpoint[],
  selection: MemberSelection,
  preference: LocalityPreference | undefined,
  client: ClientPlace | undefined,
): readonly LocalityGroup[] {
  const collected = new Map<string, { readonly locality: Locality; priority: number; readonly members: Member[] }>();
  for (const endpoint of endpoints) {
    const port = endpoint.ports[selection.portName];
    if (port === undefined || !selects(selection.labels, endpoint.labels)) continue;
    const { locality, address, health, weight } = endpoint;
    const priority = preference === undefined || client === undefined ? 0 : priorityOf(endpoint, preference, client);
    const key = `${priority}\n${locality.region}\n${locality.zone}\n${locality.subZone}`;
    let group = collected.get(key);
    if (group === undefined) collected.set(key, (group = { locality, priority, members: [] }));
    group.members.push({ address, port, health, weight });
  }
  const groups = [...collected.values()]
    .toSorted((a, b) => a.priority - b.priority || compareLocalities(a.locality, b.locality))
    .map((group) => ({ ...group, weight: undefined, members: withinWeights(inOrder(group.members)) }));
  if (preference === undefined || client === undefined) return groups;
  if (preference.distribute.length > 0) return distributedWeights(groups, preference.distribute, client.locality);
  return compacted(groups);
}

function compareLocalities(a: Locality, b: Locality): number {
  return compareText(a.region, b.region) || compareText(a.zone, b.zone) || compareText(a.subZone, b.subZone);
}

/** Endpoints come sorted by address, and those of one address almost always by port. */
function inOrder(members: readonly Member[]): readonly Member[] {
  let sorted = members;
  for (let index = 1; index < members.length; index++) {
    const [previous, next] = [members[index - 1], members[index]];
    if (previous === undefined || next === undefined || compareMembers(previous, next) < 0) continue;
    sorted = members.toSorted(compareMembers);
    break;
  }
  // Two of one address and port are the same endpoint to Envoy.
  return sorted === members ? members : sorted.filter((member, index) => !isSame(member, sorted[index - 1]));
}

function compareMembers(a: Member, b: Member): number {
  return compareText(a.address, b.address) || a.port - b.port;
}

function isSame(member: Member, other: Member | undefined): boolean {
  return member.address === other?.address && member.port === other.port;
}

/** Envoy adds weights up in 32 bits, and refuses an assignment in which they do not fit (hot-path H305). */
const largestSum = 4_294_967_295;

function withinWeights(members: readonly Member[]): readonly Member[] {
  const sum = members.reduce((total, { weight }) => total + weight, 0);
  if (sum <= largestSum) return members;
  // The part of the room that is left when every endpoint has at least 1.
  const factor = (largestSum - members.length) / sum;
  return members.map((member) => ({ ...member, weight: Math.max(1, Math.floor(member.weight * factor)) }));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
