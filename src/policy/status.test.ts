import { describe, expect, it } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  anObjectProblem,
  aService,
  aVirtualService,
  put,
  remove,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import type { Condition, ConditionType } from '../model/condition.ts';
import { configKey } from '../model/keys.ts';
import { objectConditions } from './status.ts';

const key = configKey('networking.istio.io/VirtualService', 'shop', 'web');

function conditionsIn(engine: ReturnType<typeof aMesh>): Partial<Record<ConditionType, Condition>> {
  return Object.fromEntries(engine.read(objectConditions, key).map((each) => [each.type, each]));
}

const to = (...destinations: readonly unknown[]) => ({
  hosts: ['reviews'],
  http: [{ route: destinations.map((destination) => ({ destination })) }],
});

function web(spec: unknown = to({ host: 'reviews' }), generation = 3, createdAt = 0): ARow {
  return aVirtualService('web', spec, { generation, createdAt });
}

describe('Accepted', () => {
  it('is true of an object that is in force, with its generation', () => {
    expect(conditionsIn(aMesh(aService('reviews'), web()))).toEqual({
      Accepted: {
        type: 'Accepted',
        status: 'True',
        reason: 'Accepted',
        message: 'in force',
        observedGeneration: 3,
      },
      ResolvedRefs: {
        type: 'ResolvedRefs',
        status: 'True',
        reason: 'ResolvedRefs',
        message: 'all that it names is there',
        observedGeneration: 3,
      },
    });
  });

  it('tells what an object in force is warned of', () => {
    const spec = {
      hosts: ['reviews'],
      http: [{ fault: { abort: { httpStatus: 500 } }, route: [{ destination: { host: 'reviews' } }] }],
    };
    const { Accepted } = conditionsIn(aMesh(aService('reviews'), web(spec)));
    expect([Accepted?.status, Accepted?.message]).toEqual([
      'True',
      expect.stringMatching(/^in force, but.*\n.*WEIR1113/),
    ]);
  });

  it('is false of an object that never was a row, with everything that is wrong', () => {
    const mesh = aMesh(
      anObjectProblem(key, { generation: 2, path: 'spec.hosts', message: 'no host', number: 1 }),
      anObjectProblem(key, { generation: 2, path: 'spec.http', message: 'no route', number: 2 }),
    );
    expect(mesh.read(objectConditions, key)).toEqual([
      {
        type: 'Accepted',
        status: 'False',
        reason: 'Invalid',
        message:
          'nothing of it is in force:\nspec.hosts: no host; correct it (WEIR1005)\nspec.http: no route; correct it (WEIR1005)',
        observedGeneration: 2,
      },
    ]);
  });

  it('says of a refused edit which generation stays in force, and is true again when it is put right (reliability/R23)', () => {
    const problem = anObjectProblem(key, { generation: 4, path: 'spec.http', message: 'no route', number: 1 });
    const mesh = aMesh(aService('reviews'), web(), problem);
    const before = conditionsIn(mesh);
    expect(before.Accepted).toMatchObject({ status: 'False', observedGeneration: 4 });
    expect(before.Accepted?.message).toMatch(/^generation 3 stays in force:\n/);
    expect(before.ResolvedRefs).toMatchObject({ status: 'True', observedGeneration: 3 });
    remove(mesh, problem);
    put(mesh, web(undefined, 5));
    expect(conditionsIn(mesh).Accepted).toMatchObject({ status: 'True', observedGeneration: 5 });
  });

  it('of an object that is gone is nothing', () => {
    const mesh = aMesh(web());
    remove(mesh, web());
    expect(mesh.read(objectConditions, key)).toEqual([]);
  });
});

describe('ResolvedRefs', () => {
  it.each([
    ['a host that does not exist (policy/P404)', to({ host: 'reviewz' }), 'HostNotFound'],
    ['a subset that nobody defines (policy/P405)', to({ host: 'reviews', subset: 'v9' }), 'SubsetNotFound'],
    ['a port that is not served', to({ host: 'reviews', port: { number: 81 } }), 'PortNotServed'],
  ])('is false of %s', (_, spec, reason) => {
    const { ResolvedRefs } = conditionsIn(aMesh(aService('reviews'), web(spec)));
    expect(ResolvedRefs).toMatchObject({ status: 'False', reason, observedGeneration: 3 });
    expect(ResolvedRefs?.message).toMatch(/^spec\.http\[0\]\.route\[0\]/);
  });

  it('becomes true when what was missing comes: the order of apply is free (policy/P441)', () => {
    const mesh = aMesh(aService('reviews'), web(to({ host: 'reviews', subset: 'v1' })));
    expect(conditionsIn(mesh).ResolvedRefs?.status).toBe('False');
    put(mesh, aDestinationRule('reviews', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }));
    expect(conditionsIn(mesh).ResolvedRefs?.status).toBe('True');
  });
});

it('Conflicted names the object that holds instead, and goes with it (policy/P401)', () => {
  const older = aVirtualService('older', to({ host: 'reviews' }), { createdAt: 1 });
  const mesh = aMesh(aService('reviews'), older, web(undefined, 3, 2));
  expect(conditionsIn(mesh).Conflicted).toMatchObject({ status: 'True', reason: 'HostClaimedTwice' });
  expect(conditionsIn(mesh).Conflicted?.message).toContain('VirtualService shop/older');
  remove(mesh, older);
  expect(conditionsIn(mesh).Conflicted).toBeUndefined();
});

it('Shadowed tells of rules that nothing reaches (policy/P403)', () => {
  const route = [{ destination: { host: 'reviews' } }];
  const spec = { hosts: ['reviews'], http: [{ route }, { match: [{ uri: { prefix: '/a' } }], route }] };
  const { Shadowed, Accepted } = conditionsIn(aMesh(aService('reviews'), web(spec)));
  expect(Shadowed).toMatchObject({ status: 'True', reason: 'RuleUnreachable' });
  expect(Accepted?.message).toBe('in force');
});

it('a message that would be endless is cut, and says what is left', () => {
  const problems = Array.from({ length: 90 }, (_, number) =>
    anObjectProblem(key, { generation: 1, path: `spec.http[${number}]`, message: 'x'.repeat(100), number }),
  );
  const [accepted] = aMesh(...problems).read(objectConditions, key);
  expect(accepted?.message.length).toBeLessThan(4_200);
  expect(accepted?.message).toMatch(/\nand \d+ more$/);
});
