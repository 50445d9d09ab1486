import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eachDependent, withDependent, withoutDependent, type Dependents } from './dependents.ts';
import { QueryNode, QueryState, type Dependent } from './node.ts';

const query = new QueryState({ name: 'q', compute: () => undefined });
const nodes = Array.from({ length: 20 }, (_, index) => new QueryNode(query, String(index)));

it('holds what was added and not removed, through all its shapes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(nodes.length - 1), { maxLength: 120 }), (toggles) => {
      let dependents: Dependents;
      const model = new Set<Dependent>();
      for (const toggle of toggles) {
        const node = nodes[toggle] as QueryNode;
        dependents = model.has(node) ? withoutDependent(dependents, node) : withDependent(dependents, node);
        if (!model.delete(node)) model.add(node);
        const held: Dependent[] = [];
        eachDependent(dependents, (dependent) => held.push(dependent));
        expect(new Set(held)).toEqual(model);
        expect(held).toHaveLength(model.size);
        expect(dependents === undefined).toBe(model.size === 0);
      }
    }),
    { numRuns: 50 },
  );
});

it('ignores the removal of a stranger', () => {
  const [a, b, c] = nodes as [QueryNode, QueryNode, QueryNode];
  const pair = withDependent(withDependent(undefined, a), b);
  expect(withoutDependent(pair, c)).toEqual([a, b]);
  expect(withoutDependent(a, c)).toBe(a);
});
