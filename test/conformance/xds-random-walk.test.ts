import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childrenOf, ModelClient, type NackStyle } from '../support/model-client.ts';
import { ServerRig, type Wire } from '../support/stream-rig.ts';

/** Random histories of a mesh and a client: whatever happened, the client ends with what it should have. */

const wires: readonly Wire[] = ['delta', 'sotw'];
const types = ['cluster', 'endpoints', 'listener', 'routes'] as const;
type Type = (typeof types)[number];

const names: Readonly<Record<Type, readonly string[]>> = {
  cluster: ['c1', 'c2', 'c3', 'c4'],
  endpoints: ['e1', 'e2', 'e3'],
  listener: ['l1', 'l2'],
  routes: ['r1', 'r2', 'r3'],
};
const childType: Partial<Record<Type, Type>> = { cluster: 'endpoints', listener: 'routes' };

type Edit = { readonly type: Type; readonly name: string; readonly content: string | undefined };
type Step =
  | { readonly kind: 'edit'; readonly edits: readonly Edit[] }
  | { readonly kind: 'send' }
  | { readonly kind: 'work'; readonly most: number }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'reconnect' }
  | { readonly kind: 'repeat-ack'; readonly type: Type }
  | { readonly kind: 'ask-again'; readonly type: 'endpoints' | 'routes'; readonly name: string }
  | {
      readonly kind: 'follow';
      readonly type: 'endpoints' | 'routes';
      readonly name: string;
      readonly isWanted: boolean;
      readonly isStale: boolean;
    };

/** `name=version>children`; an exclamation mark makes the client refuse it. */
function anEdit(type: Type): fc.Arbitrary<Edit> {
  const child = childType[type];
  return fc
    .record({
      name: fc.constantFrom(...names[type]),
      version: fc.integer({ min: 1, max: 3 }),
      children: child === undefined ? fc.constant([]) : fc.subarray([...names[child]], { maxLength: 2 }),
      isBad: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
      isGone: fc.integer({ min: 0, max: 3 }).map((dice) => dice === 0),
    })
    .map(({ name, version, children, isBad, isGone }) => ({
      type,
      name,
      content: isGone ? undefined : `${name}=${version}>${children.join(',')}${isBad ? '!' : ''}`,
    }));
}

const named = fc.constantFrom('endpoints' as const, 'routes' as const);
const aNamed = named.chain((type) => fc.record({ type: fc.constant(type), name: fc.constantFrom(...names[type]) }));
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.oneof(...types.map((type) => anEdit(type))), { minLength: 1, maxLength: 4 })
      .map((edits) => ({ kind: 'edit' as const, edits })),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'send' as const }) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }).map((most) => ({ kind: 'work' as const, most })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(1, 1_000, 25_000).map((milliseconds) => ({ kind: 'wait' as const, milliseconds })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
  { weight: 1, arbitrary: fc.constantFrom(...types).map((type) => ({ kind: 'repeat-ack' as const, type })) },
  { weight: 1, arbitrary: aNamed.map((which) => ({ kind: 'ask-again' as const, ...which })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(aNamed, fc.record({ isWanted: fc.boolean(), isStale: fc.boolean() }))
      .map(([which, how]) => ({ kind: 'follow' as const, ...which, ...how })),
  },
);

class Walk {
  readonly rig = new ServerRig();
  readonly client: ModelClient;
  readonly world = new Map<Type, Map<string, string>>(types.map((type) => [type, new Map()]));

  constructor(wire: Wire, nackStyle: NackStyle) {
    this.client = new ModelClient(this.rig, wire, nackStyle);
    this.client.begin();
  }

  take(step: Step): void {
    switch (step.kind) {
      case 'edit':
        return this.edit(step.edits);
      case 'send':
        this.rig.clock.settle();
        return this.client.collect();
      case 'work':
        return this.client.work(step.most);
      case 'wait':
        this.rig.clock.advance(step.milliseconds);
        this.client.collect();
        if (step.milliseconds >= 1_000) this.client.timeOutWarming();
        return;
      case 'reconnect':
        return this.client.reconnect();
      case 'repeat-ack':
        return this.client.repeatAck(step.type);
      case 'ask-again':
        return this.client.askAgain(step.type, step.name);
      case 'follow':
        return this.client.follow(step.type, step.name, step.isWanted, step.isStale);
    }
  }

  edit(edits: readonly Edit[]): void {
    this.rig.mesh.change((mesh) => {
      for (const { type, name, content } of edits) {
        if (content === undefined) {
          mesh.remove(type, name);
          this.of(type).delete(name);
        } else {
          mesh.put(type, name, content, { children: childrenOf(content) });
          this.of(type).set(name, content);
        }
      }
    });
  }

  /** Makes everything acceptable and lets everything arrive. */
  finish(): void {
    const bad = types.flatMap((type) =>
      [...this.of(type)]
        .filter(([, content]) => content.endsWith('!'))
        .map(([name, content]) => ({ type, name, content: content.replace('!', '') })),
    );
    if (bad.length > 0) this.edit(bad);
    this.quiesce();
    // Longer than anything waits: clusters whose listeners drain wait longest.
    this.rig.clock.advance(700_000);
    this.quiesce();
  }

  /** @param responses that must be enough */
  quiesce(responses = 300): void {
    const limit = this.client.responses + responses;
    for (let quiet = 0; quiet < 2;) {
      this.rig.clock.settle();
      this.client.collect();
      if (this.client.responses > limit) throw new Error('the server does not come to an end');
      quiet = this.client.isIdle ? quiet + 1 : 0;
      this.client.work(1);
      if (this.client.isIdle) this.client.timeOutWarming();
    }
  }

  of(type: Type): Map<string, string> {
    return this.world.get(type) ?? new Map<string, string>();
  }
}

describe.each(wires)('any history of a %s stream', (wire) => {
  it.each(['names-the-bad', 'names-nobody'] as const)(
    'ends with what there is, in bounded traffic, one response at a time, and leaves nothing behind (xds-protocol/X43, xds-protocol/X51, xds-protocol/X67): NACK %s',
    (nackStyle) => {
      fc.assert(
        fc.property(fc.array(aStep, { minLength: 1, maxLength: 60 }), (steps) => {
          const walk = new Walk(wire, nackStyle);
          for (const step of steps) walk.take(step);
          walk.finish();
          const { client, rig } = walk;
          for (const type of ['cluster', 'listener'] as const) {
            expect(contents(client, type)).toEqual([...walk.of(type)].toSorted());
          }
          for (const type of ['endpoints', 'routes'] as const) {
            // Of what was deleted the client may keep an old body, since nobody tells it (X78).
            const expected = [...walk.of(type)].filter(([name]) => client.named(type).has(name));
            const exists = ([name]: readonly [string, string]): boolean => walk.of(type).has(name);
            expect(contents(client, type).filter(exists)).toEqual(expected.toSorted());
          }
          const [status] = rig.server.proxies();
          expect(status?.types.every(({ state }) => state === 'synced')).toBe(true);

          const { responses } = client;
          for (const type of types) client.repeatAck(type);
          walk.quiesce();
          expect(client.responses).toBe(responses);

          client.leave();
          expect(rig.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
        }),
        { numRuns: 250 },
      );
    },
  );

  it('warms every cluster that has a load assignment, without waiting for a timeout (xds-protocol/X60, xds-protocol/X62, xds-protocol/X66)', () => {
    const edits = fc.array(fc.oneof(anEdit('cluster'), anEdit('endpoints')), { minLength: 1, maxLength: 3 });
    const steps = fc.array(fc.record({ edits, most: fc.integer({ min: 0, max: 3 }) }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(steps, (history) => {
        const walk = new Walk(wire, 'names-the-bad');
        // All names exist, and nothing is refused.
        walk.edit(names.endpoints.map((name) => ({ type: 'endpoints', name, content: `${name}=0>` })));
        for (const { edits: some, most } of history) {
          const kept = some.filter(({ type, content }) => type !== 'endpoints' || content !== undefined);
          walk.edit(kept.map((edit) => ({ ...edit, content: edit.content?.replace('!', '') })));
          walk.rig.clock.settle();
          walk.client.collect();
          walk.client.work(most);
        }
        for (let quiet = 0; quiet < 3; quiet++) {
          walk.rig.clock.settle();
          walk.client.collect();
          if (!walk.client.isIdle) quiet = 0;
          walk.client.work(1);
        }
        expect([...walk.client.cold].filter(([, needed]) => needed.size > 0)).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });

  it('never has a route to a cluster that the client does not have (xds-protocol/X55, xds-protocol/X57, policy/P346)', () => {
    const flip = fc.record({
      to: fc.constantFrom(...names.cluster),
      alsoRemoves: fc.boolean(),
      most: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 25 }), (flips) => {
        const walk = new Walk(wire, 'names-the-bad');
        walk.edit([
          { type: 'listener', name: 'l1', content: 'l1=1>r1' },
          { type: 'cluster', name: 'c1', content: 'c1=1>' },
          { type: 'routes', name: 'r1', content: 'r1=to-c1' },
        ]);
        const check = (): void => {
          const target = walk.client.content('routes', 'r1')?.replace('r1=to-', '');
          if (target !== undefined) expect(walk.client.content('cluster', target)).toBeDefined();
        };
        const proceed = (most: number): void => {
          walk.rig.clock.settle();
          walk.client.collect();
          for (let worked = 0; worked < most; worked++) {
            walk.client.work(1);
            check();
          }
        };
        for (let round = 0; round < 10; round++) proceed(1);
        for (const { to, alsoRemoves, most } of flips) {
          const others = names.cluster.filter((name) => name !== to && alsoRemoves);
          walk.edit([
            { type: 'cluster', name: to, content: `${to}=1>` },
            { type: 'routes', name: 'r1', content: `r1=to-${to}` },
            ...others.map((name) => ({ type: 'cluster' as const, name, content: undefined })),
          ]);
          proceed(most);
        }
        for (let round = 0; round < 20; round++) proceed(1);
        expect(walk.client.content('routes', 'r1')).toBe(walk.of('routes').get('r1'));
        expect(contents(walk.client, 'cluster')).toEqual([...walk.of('cluster')].toSorted());
      }),
      { numRuns: 250 },
    );
  });
});

function contents(client: ModelClient, type: Type): readonly (readonly [string, string])[] {
  const held = client.state.get(type) ?? new Map<string, { readonly content: string }>();
  return [...held].map(([name, { content }]) => [name, content] as const).toSorted();
}
