import { containsCidr, parseCidr, type Cidr } from '../model/cidr.ts';

/**
 * The rules by which the kernel brings the connections of a workload to its Envoy, and which connections it leaves alone (istio-compat
 * I95), as data; `ruleSetText` writes them for nft.
 */

export type AddressFamily = 'ipv4' | 'ipv6';

export interface InterceptionOptions {
  /** Where the Envoy takes connections that the workload opens. */
  readonly outboundPort: number;
  /** Where it takes those that others open to the workload. */
  readonly inboundPort: number;
  /** Who the Envoy runs as: its own connections go where it dials. */
  readonly proxyUsers: readonly number[];
  readonly proxyGroups: readonly number[];
  /** Ports of the workload that go to the Envoy; undefined: all. */
  readonly inboundPorts: readonly number[] | undefined;
  readonly excludedInboundPorts: readonly number[];
  /** Blocks of addresses outside that go to the Envoy; undefined: all. */
  readonly outboundBlocks: readonly string[] | undefined;
  readonly excludedOutboundBlocks: readonly string[];
  readonly excludedOutboundPorts: readonly number[];
  /** Connections that come or go through them are left alone. */
  readonly excludedInterfaces: readonly string[];
  /** Connections of others are left alone. */
  readonly families: readonly AddressFamily[];
}

/** What a connection must be; all of a rule's. */
export type Match =
  | { readonly kind: 'not-family'; readonly family: AddressFamily }
  | { readonly kind: 'in' | 'out'; readonly interfaces: readonly string[] }
  | { readonly kind: 'user' | 'group'; readonly id: number }
  | { readonly kind: 'port'; readonly ports: readonly number[] }
  | {
      readonly kind: 'source' | 'destination' | 'other-destination';
      readonly family: AddressFamily;
      readonly blocks: readonly string[];
    };

/** The first that matches counts: the connection is left alone, or, being one of TCP, goes to a port of the Envoy. */
export interface Rule {
  readonly matches: readonly Match[];
  readonly redirectTo: number | undefined;
}

export interface RuleSet {
  /** For connections that begin here. */
  readonly outbound: readonly Rule[];
  /** For connections that come from elsewhere. */
  readonly inbound: readonly Rule[];
}

/** The Envoy's own ports, which nobody means to reach through it (policy P348). */
const ownPorts: readonly number[] = [15_000, 15_001, 15_006, 15_020, 15_021, 15_090];

const families: readonly AddressFamily[] = ['ipv4', 'ipv6'];
const number = { ipv4: 4, ipv6: 6 } as const;

/** Where the Envoy dials the workload from, so that this is told from what it dials for the workload. */
const envoyBindsTo = { ipv4: '127.0.0.6', ipv6: '::6' } as const;
const loopbackBlock = { ipv4: '127.0.0.0/8', ipv6: '::1' } as const;

export function ruleSet(options: InterceptionOptions): RuleSet {
  const { excludedInterfaces } = options;
  const others = foreignFamilies(options);
  return {
    outbound: [
      ...others,
      ...some(excludedInterfaces, (interfaces) => leave({ kind: 'out', interfaces })),
      ...onLoopback(options),
      ...proxies(options).map((proxy) => leave(proxy)),
      leave({ kind: 'port', ports: [...ownPorts, ...options.excludedOutboundPorts] }),
      ...families.flatMap((family) =>
        some(ofFamily(options.excludedOutboundBlocks, family), (blocks) =>
          leave({ kind: 'destination', family, blocks }),
        ),
      ),
      ...included(options),
      { matches: [], redirectTo: options.outboundPort },
    ],
    inbound: [
      ...others,
      leave({ kind: 'in', interfaces: ['lo', ...excludedInterfaces] }),
      leave({ kind: 'port', ports: [...ownPorts, ...options.excludedInboundPorts] }),
      ...inboundRules(options),
    ],
  };
}

/**
 * A connection that stays in the pod belongs to the workload alone, and is left alone. But where the Envoy dials an address of its own
 * pod for the workload, which has dialled a service that it is itself behind, its connection has to come in as one of others would.
 */
function onLoopback(options: InterceptionOptions): readonly Rule[] {
  const out: Match = { kind: 'out', interfaces: ['lo'] };
  const dialled = families.map((family) => leave(out, { kind: 'source', family, blocks: [envoyBindsTo[family]] }));
  const own = families.flatMap((family) =>
    proxies(options).map((proxy): Rule => {
      const elsewhere: Match = { kind: 'other-destination', family, blocks: [loopbackBlock[family]] };
      return { matches: [out, elsewhere, proxy], redirectTo: options.inboundPort };
    }),
  );
  return [...dialled, ...own, leave(out)];
}

function inboundRules({ inboundPorts, inboundPort }: InterceptionOptions): readonly Rule[] {
  if (inboundPorts === undefined) return [{ matches: [], redirectTo: inboundPort }];
  return some(inboundPorts, (ports) => ({ matches: [{ kind: 'port', ports }], redirectTo: inboundPort }));
}

/** What is outside of the blocks is left alone, and so is a family none of them is of. */
function included({ outboundBlocks }: InterceptionOptions): readonly Rule[] {
  if (outboundBlocks === undefined) return [];
  return families.map((family) => {
    const blocks = ofFamily(outboundBlocks, family);
    const everything: Match = { kind: 'not-family', family: family === 'ipv4' ? 'ipv6' : 'ipv4' };
    return leave(blocks.length === 0 ? everything : { kind: 'other-destination', family, blocks });
  });
}

function foreignFamilies({ families: wanted }: InterceptionOptions): readonly Rule[] {
  const [family, ...more] = wanted;
  return family === undefined || more.length > 0 ? [] : [leave({ kind: 'not-family', family })];
}

function proxies({ proxyUsers, proxyGroups }: InterceptionOptions): readonly Match[] {
  return [
    ...proxyUsers.map((id): Match => ({ kind: 'user', id })),
    ...proxyGroups.map((id): Match => ({ kind: 'group', id })),
  ];
}

function leave(...matches: readonly Match[]): Rule {
  return { matches, redirectTo: undefined };
}

function some<Item>(items: readonly Item[], rule: (items: readonly Item[]) => Rule): readonly Rule[] {
  return items.length === 0 ? [] : [rule(items)];
}

/** Without those that lie in another, which nft does not take. */
function ofFamily(blocks: readonly string[], family: AddressFamily): readonly string[] {
  const parsed = blocks.flatMap((block) => parseCidr(block) ?? []).filter((block) => block.family === number[family]);
  const largest = parsed.filter((block, index) => {
    const isInside = (other: Cidr, at: number) =>
      containsCidr(other, block) && (at < index || other.prefixLength < block.prefixLength);
    return !parsed.some((other, at) => at !== index && isInside(other, at));
  });
  return largest.map(({ address, prefixLength }) => `${address}/${prefixLength}`);
}
