import type { AddressFamily, Match, Rule, RuleSet } from './interception.ts';

/** The table that is Weir's alone; whatever else is in the kernel stays as it is. */
const table = 'inet weir';

/**
 * What nft has to be given, in one transaction: with the rules before or the rules after, and never a moment without. Adding the table
 * first makes its deletion succeed where there was none.
 */
export function ruleSetText({ outbound, inbound }: RuleSet): string {
  return `${removalText}table ${table} {
${chainText('output', outbound)}${chainText('prerouting', inbound)}}
`;
}

export const removalText = `add table ${table}
delete table ${table}
`;

function chainText(hook: 'output' | 'prerouting', rules: readonly Rule[]): string {
  const lines = rules.map(({ matches, redirectTo }) => {
    const verdict = redirectTo === undefined ? 'return' : `meta l4proto tcp redirect to :${redirectTo}`;
    return `\t\t${[...matches.map(matchText), verdict].join(' ')}\n`;
  });
  // The priority is that of destination NAT.
  return `\tchain ${hook} {
\t\ttype nat hook ${hook} priority -100; policy accept;
${lines.join('')}\t}
`;
}

function matchText(match: Match): string {
  switch (match.kind) {
    case 'not-family':
      return `meta nfproto != ${match.family}`;
    case 'in':
      return `iifname ${setText(match.interfaces.map((name) => JSON.stringify(name)))}`;
    case 'out':
      return `oifname ${setText(match.interfaces.map((name) => JSON.stringify(name)))}`;
    case 'user':
      return `meta skuid ${match.id}`;
    case 'group':
      return `meta skgid ${match.id}`;
    case 'port':
      return `tcp dport ${setText([...new Set(match.ports)])}`;
    case 'source':
      return `${protocolOf(match.family)} saddr ${setText(match.blocks)}`;
    case 'destination':
      return `${protocolOf(match.family)} daddr ${setText(match.blocks)}`;
    case 'other-destination':
      return `${protocolOf(match.family)} daddr != ${setText(match.blocks)}`;
  }
}

function protocolOf(family: AddressFamily): string {
  return family === 'ipv4' ? 'ip' : 'ip6';
}

function setText(items: readonly (string | number)[]): string {
  return items.length === 1 ? String(items[0]) : `{ ${items.join(', ')} }`;
}
