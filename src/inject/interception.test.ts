import { describe, expect, it } from 'vitest';
import { ruleSet, type InterceptionOptions } from './interception.ts';
import { removalText, ruleSetText } from './rule-set-text.ts';

function someRules(options: Partial<InterceptionOptions> = {}): string {
  return ruleSetText(
    ruleSet({
      outboundPort: 15_001,
      inboundPort: 15_006,
      proxyUsers: [1337],
      proxyGroups: [],
      inboundPorts: undefined,
      excludedInboundPorts: [],
      outboundBlocks: undefined,
      excludedOutboundBlocks: [],
      excludedOutboundPorts: [],
      excludedInterfaces: [],
      families: ['ipv4', 'ipv6'],
      ...options,
    }),
  );
}

/** Rules of a chain, in order. */
function chain(name: 'output' | 'prerouting', text: string): readonly string[] {
  const [, body = ''] = text.split(`chain ${name} {`);
  const [lines = ''] = body.split('}\n\tchain', 1);
  return lines
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => / return$| redirect /.test(line));
}

describe('rules', () => {
  it('replace those before in one transaction, and can be taken away where there are none', () => {
    expect(someRules().startsWith(`${removalText}table inet weir {`)).toBe(true);
    expect(removalText).toBe('add table inet weir\ndelete table inet weir\n');
  });

  it('send what remains to the Envoy', () => {
    expect(chain('output', someRules()).at(-1)).toBe('meta l4proto tcp redirect to :15001');
    expect(chain('prerouting', someRules()).at(-1)).toBe('meta l4proto tcp redirect to :15006');
  });

  it('policy/P348: leave the ports of the Envoy and the connections of its user alone', () => {
    const own = 'tcp dport { 15000, 15001, 15006, 15020, 15021, 15090 } return';
    expect(chain('output', someRules())).toEqual(expect.arrayContaining([own, 'meta skuid 1337 return']));
    expect(chain('prerouting', someRules())).toContain(own);
  });

  it.each<[string, Partial<InterceptionOptions>, 'output' | 'prerouting', string]>([
    ['ports that are dialled', { excludedOutboundPorts: [3306] }, 'output', '15090, 3306 } return'],
    ['ports of the workload', { excludedInboundPorts: [22] }, 'prerouting', '15090, 22 } return'],
    ['blocks', { excludedOutboundBlocks: ['10.0.0.0/8'] }, 'output', 'ip daddr 10.0.0.0/8 return'],
    ['blocks of the other family', { excludedOutboundBlocks: ['fd00::/8'] }, 'output', 'ip6 daddr fd00::/8 return'],
    ['an address', { excludedOutboundBlocks: ['192.0.2.7'] }, 'output', 'ip daddr 192.0.2.7/32 return'],
    [
      'blocks that overlap, which nft does not take',
      { excludedOutboundBlocks: ['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '192.0.2.0/24'] },
      'output',
      'ip daddr { 10.0.0.0/8, 192.0.2.0/24 } return',
    ],
    ['interfaces', { excludedInterfaces: ['eth1'] }, 'output', 'oifname "eth1" return'],
    ['interfaces', { excludedInterfaces: ['eth1'] }, 'prerouting', 'iifname { "lo", "eth1" } return'],
    ['all but some blocks', { outboundBlocks: ['10.0.0.0/8'] }, 'output', 'ip daddr != 10.0.0.0/8 return'],
    ['the family of no block', { outboundBlocks: ['10.0.0.0/8'] }, 'output', 'meta nfproto != ipv4 return'],
    ['the other family', { families: ['ipv4'] }, 'output', 'meta nfproto != ipv4 return'],
    ['the other family', { families: ['ipv6'] }, 'prerouting', 'meta nfproto != ipv6 return'],
  ])('leave %s alone: %j', (_what, options, name, rule) => {
    expect(chain(name, someRules(options))).toContainEqual(expect.stringContaining(rule));
  });

  it('send only some ports of the workload to the Envoy, or none', () => {
    const some = chain('prerouting', someRules({ inboundPorts: [80, 81] }));
    expect(some.at(-1)).toBe('tcp dport { 80, 81 } meta l4proto tcp redirect to :15006');
    expect(chain('prerouting', someRules({ inboundPorts: [] })).filter((rule) => rule.includes('redirect'))).toEqual(
      [],
    );
  });
});
