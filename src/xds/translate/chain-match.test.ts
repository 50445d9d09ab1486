import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyConnection, isCatchAll, uniqueMatches, type ChainMatch } from './chain-match.ts';

function aChain(name: string, match: Partial<ChainMatch>): { name: string; match: ChainMatch } {
  return { name, match: { ...anyConnection, ...match } };
}

/** Every single combination of conditions that a chain names. */
function combinations({ match }: { match: ChainMatch }): readonly string[] {
  const orAny = (values: readonly string[]): readonly string[] => (values.length === 0 ? ['any'] : values);
  return orAny(match.destinations).flatMap((destination) =>
    orAny(match.serverNames).flatMap((serverName) =>
      orAny(match.applicationProtocols).map((protocol) =>
        [match.destinationPort ?? 'any', destination, serverName, match.transport ?? 'any', protocol].join(' '),
      ),
    ),
  );
}

describe('uniqueMatches (policy/P315, policy/P336)', () => {
  it('keeps chains that differ in one condition', () => {
    const chains = [
      aChain('a', { destinationPort: 80, transport: 'raw_buffer' }),
      aChain('b', { destinationPort: 80, transport: 'tls' }),
      aChain('c', { destinationPort: 81, transport: 'raw_buffer' }),
      aChain('d', {}),
    ];
    expect(uniqueMatches(chains)).toEqual(chains);
  });

  it('gives the oldest the connections that several chains name', () => {
    const first = aChain('first', { serverNames: ['a.example.com', 'b.example.com'] });
    const chains = uniqueMatches([first, aChain('second', { serverNames: ['B.example.com', 'c.example.com'] })]);
    expect(chains).toEqual([first, aChain('second', { serverNames: ['c.example.com'] })]);
  });

  it('drops a chain that is left with nothing', () => {
    expect(uniqueMatches([aChain('first', {}), aChain('second', {})])).toEqual([aChain('first', {})]);
  });

  it('sees that blocks are equal behind their prefix', () => {
    const first = aChain('first', { destinations: ['10.0.0.0/8'] });
    expect(uniqueMatches([first, aChain('second', { destinations: ['10.9.9.9/8'] })])).toEqual([first]);
  });

  it('loses no connection and gives none to two chains', () => {
    const someOf = (...values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values]);
    const match: fc.Arbitrary<ChainMatch> = fc.record(
      {
        destinationPort: fc.constantFrom(80, 81),
        destinations: someOf('10.0.0.0/8', '10.1.0.0/16'),
        serverNames: someOf('a.example.com', 'b.example.com', '*.example.com'),
        transport: fc.constantFrom('raw_buffer' as const, 'tls' as const),
        applicationProtocols: someOf('http/1.1', 'h2c', 'istio'),
      },
      { requiredKeys: ['destinations', 'serverNames', 'applicationProtocols'] },
    );
    fc.assert(
      fc.property(fc.array(match, { maxLength: 8 }), (matches) => {
        const before = matches.map((each, index) => ({ name: `chain-${index}`, match: each }));
        const after = uniqueMatches(before).flatMap(combinations);
        expect(new Set(after).size).toBe(after.length);
        expect(new Set(after)).toEqual(new Set(before.flatMap(combinations)));
      }),
    );
  });
});

it('knows the chain that takes what is left', () => {
  expect(isCatchAll(anyConnection)).toBe(true);
  expect(isCatchAll({ ...anyConnection, transport: 'tls' })).toBe(false);
});
