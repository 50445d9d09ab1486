import { describe, expect, test } from 'vitest';
import type { ConnectionPool, OutlierDetection, TrafficPolicy } from '../model/traffic-policy.ts';
import { noPolicy, overlaid, withLayer } from './policy-layers.ts';

// What is in the blocks does not matter here: they are never looked into.
const pool = (maxConnections: number) => ({ maxConnections }) as ConnectionPool;
const ejection = (consecutive5xxErrors: number) => ({ consecutive5xxErrors }) as OutlierDetection;

function aPolicy(blocks: Partial<TrafficPolicy>): TrafficPolicy {
  return { ...noPolicy, ...blocks };
}

describe('withLayer', () => {
  test('policy/P121: a layer takes the place of blocks that it has, and leaves the others', () => {
    const under = aPolicy({ connectionPool: pool(1), outlierDetection: ejection(1) });
    const merged = withLayer(under, { policy: aPolicy({ connectionPool: pool(2) }), ports: new Map() }, 80);
    expect(merged).toEqual(aPolicy({ connectionPool: pool(2), outlierDetection: ejection(1) }));
  });

  test('policy/P121: settings of a port replace the layer wholesale, gaps included', () => {
    const layer = {
      policy: aPolicy({ connectionPool: pool(1), outlierDetection: ejection(1) }),
      ports: new Map([[80, aPolicy({ connectionPool: pool(2) })]]),
    };
    expect(withLayer(noPolicy, layer, 80)).toEqual(aPolicy({ connectionPool: pool(2) }));
    expect(withLayer(noPolicy, layer, 81)).toEqual(layer.policy);
  });

  test('policy/P602: gaps in the port settings of a subset fall to the defaults, not to the rule', () => {
    const rule = aPolicy({ connectionPool: pool(1), outlierDetection: ejection(1) });
    const subset = { policy: undefined, ports: new Map([[80, aPolicy({ outlierDetection: ejection(2) })]]) };
    expect(withLayer(rule, subset, 80)).toEqual(aPolicy({ outlierDetection: ejection(2) }));
  });

  test('policy/P121: the retry budget is no part of the settings of a port, and stays', () => {
    const retryBudget = { percent: 20, minRetryConcurrency: 3 };
    const layer = { policy: aPolicy({ retryBudget }), ports: new Map([[80, aPolicy({ connectionPool: pool(2) })]]) };
    expect(withLayer(noPolicy, layer, 80)).toEqual(aPolicy({ connectionPool: pool(2), retryBudget }));
  });
});

test('policy/P121: nothing merges inside a block', () => {
  const under = aPolicy({ connectionPool: { maxConnections: 1, maxRetries: 7 } as ConnectionPool });
  expect(overlaid(under, aPolicy({ connectionPool: pool(2) })).connectionPool).toEqual(pool(2));
});
