import { compareText } from '../../model/config-object.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { NodeKey } from '../../model/keys.ts';
import type { Locality } from '../../model/workload.ts';
import { equalRecords } from '../../policy/equality.ts';
import { selects, type Labels } from '../../policy/label-match.ts';
import { isSameLocality } from './locality-order.ts';
import { packed, packedInPassing, type Member, type PackedBlock } from './packed-endpoints.ts';

/** From endpoints to the packed endpoints of one cluster. */

/** What of a service's endpoints belongs to a cluster. */
export interface MemberSelection {
  readonly portName: string;
  /** Labels of the cluster's subset; none: all endpoints. */
  readonly labels: Labels;
}

/** The same for clients that compare labels of endpoints with their own. */
export interface ComparedSelection extends MemberSelection {
  /** Names of these labels: endpoints that differ in them are kept apart. Empty where nothing is compared. */
  readonly compared: readonly string[];
  /** Only endpoints of this node; undefined: of any. */
  readonly node: NodeKey | undefined;
}

const noBlocks: readonly PackedBlock[] = [];

/** Collects members by place while a block is made. */
export class MemberGroups {
  readonly #groups: { readonly locality: Locality; readonly labels: Labels; readonly members: Member[] }[] = [];

  /** @param compared the labels that count */
  add(locality: Locality, compared: Labels, member: Member): void {
    for (const group of this.#groups) {
      if (!isSameLocality(group.locality, locality) || !equalRecords(group.labels, compared)) continue;
      group.members.push(member);
      return;
    }
    this.#groups.push({ locality, labels: compared, members: [member] });
  }

  /** No block where there are no members. */
  packed(): readonly PackedBlock[] {
    return this.#groups.length === 0 ? noBlocks : [packed(this.#groups)];
  }

  /** The same for a block that is copied before another one is packed. */
  packedInPassing(): readonly PackedBlock[] {
    return this.#groups.length === 0 ? noBlocks : [packedInPassing(this.#groups)];
  }
}

const noLabels: Labels = {};

/** Those of the labels that count. */
export function comparedOf(labels: Labels, { compared }: Pick<ComparedSelection, 'compared'>): Labels {
  if (compared.length === 0) return noLabels;
  return Object.fromEntries(compared.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
}

/**
 * Adds endpoints that are in no shard, by address and port.
 *
 * @param mutualTlsAt whether an endpoint is called with mutual TLS on a port of its own
 */
export function addUnlisted(
  groups: MemberGroups,
  endpoints: readonly Endpoint[],
  selection: ComparedSelection,
  mutualTlsAt: (endpoint: Endpoint, port: number) => boolean,
): void {
  // Nobody knows on which node they are.
  if (endpoints.length === 0 || selection.node !== undefined) return;
  const { portName, labels: wanted } = selection;
  const chosen = endpoints.flatMap((endpoint) => {
    const port = endpoint.ports[portName];
    return port === undefined || !selects(wanted, endpoint.labels) ? [] : [{ ...endpoint, port }];
  });
  chosen.sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  for (const endpoint of chosen) {
    const { address, port, labels, locality, health, weight } = endpoint;
    const mutualTls = mutualTlsAt(endpoint, port);
    groups.add(locality, comparedOf(labels, selection), { address, port, health, weight, mutualTls });
  }
}
