import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changedAddresses, type ShardEndpoint } from './endpoint.ts';

const anEndpoint = (address: string): ShardEndpoint => ({ address, health: 'healthy' });

it('addresses that come and go are found whatever else a list repeats and moves', () => {
  const list = fc.array(fc.constantFrom(...Array.from({ length: 30 }, (_, index) => `10.0.0.${index}`)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(list, list, list, (common, before, after) => {
      const { left, joined } = changedAddresses(
        [...common, ...before, ...common].map(anEndpoint),
        [...common, ...after, ...common].map(anEndpoint),
      );
      const had = new Set([...common, ...before]);
      const has = new Set([...common, ...after]);
      expect(new Set(left)).toEqual(had.difference(has));
      expect(new Set(joined)).toEqual(has.difference(had));
    }),
    { numRuns: 300 },
  );
});
