import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelClient } from '../support/model-client.ts';
import type { Wire } from '../support/stream-rig.ts';
import { anEdit, aStep, names, types, Walk, type Type } from '../support/walk.ts';

/**
 * Random histories of a mesh and its clients: whatever happened, each client ends with what it should have. A failure is shrunk and
 * printed with the seed and the path that play it again: `fc.assert(…, { seed, path })`.
 */

const wires: readonly Wire[] = ['delta', 'sotw'];
/** Of each wire and each manner of refusing: 10,000 in all. */
const histories = 2_500;
const nobody = { streams: 0, groups: 0, records: 0, subscriptions: 0 };

describe.each(wires)('any history of %s streams', (wire) => {
  it.each(['names-the-bad', 'names-nobody'] as const)(
    'ends with what there is, in bounded traffic, one response at a time, and leaves nothing behind (xds-protocol/X28, xds-protocol/X43, xds-protocol/X51, xds-protocol/X67, xds-protocol/X231, xds-protocol/X232, xds-protocol/X304): NACK %s',
    (nackStyle) => {
      const history = fc
        .integer({ min: 1, max: 3 })
        .chain((clients) =>
          fc.tuple(fc.constant(clients), fc.array(aStep(clients), { minLength: 1, maxLength: 20, size: 'max' })),
        );
      fc.assert(
        fc.property(history, ([clients, steps]) => {
          const walk = new Walk(wire, nackStyle, clients);
          for (const step of steps) walk.take(step);
          walk.finish();
          for (const client of walk.clients) expectCurrent(walk, client);
          expectSynced(walk);
          for (const client of walk.clients) expectSilence(walk, client);
          expectLikeNewcomer(walk, walk.client);
          for (const client of walk.clients) client.leave();
          expect(walk.rig.server.size).toEqual(nobody);
        }),
        { numRuns: histories },
      );
    },
    120_000,
  );

  it('gives what there is to clients whose answers were lost with their connections, NACKs among them (xds-protocol/X304)', () => {
    const someEdits = fc.array(fc.oneof(anEdit('cluster'), anEdit('listener')), { minLength: 1, maxLength: 4 });
    const most = fc.integer({ min: 0, max: 3 });
    const round = fc.record({ edits: someEdits, unanswered: most, meanwhile: someEdits, answered: most });
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 8 }), (rounds) => {
        const walk = new Walk(wire, 'names-the-bad');
        for (const { edits, unanswered, meanwhile, answered } of rounds) {
          walk.edit(edits);
          walk.client.keepAnswers(true);
          walk.send();
          walk.client.work(unanswered);
          walk.edit(meanwhile);
          walk.client.reconnect();
          walk.client.keepAnswers(false);
          walk.send();
          walk.client.work(answered);
        }
        walk.finish();
        expectCurrent(walk, walk.client);
        expectSynced(walk);
      }),
      { numRuns: 500 },
    );
  });

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
          walk.send();
          walk.client.work(most);
        }
        for (let quiet = 0; quiet < 3; quiet++) {
          walk.send();
          if (!walk.client.isIdle) quiet = 0;
          walk.client.work(1);
        }
        expect([...walk.client.cold].filter(([, needed]) => needed.size > 0)).toEqual([]);
      }),
      { numRuns: 500 },
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
          walk.send();
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
      { numRuns: 500 },
    );
  });
});

/** The client has what the mesh has, of what it follows. */
function expectCurrent(walk: Walk, client: ModelClient): void {
  for (const type of ['cluster', 'listener'] as const) {
    expect(contents(client, type)).toEqual([...walk.of(type)].toSorted());
  }
  for (const type of ['endpoints', 'routes'] as const) {
    const expected = [...walk.of(type)].filter(([name]) => client.named(type).has(name));
    expect(contents(client, type, walk.of(type))).toEqual(expected.toSorted());
  }
}

/** The server knows that everybody has everything, and that nothing is refused that there is no more. */
function expectSynced(walk: Walk): void {
  const statuses = walk.rig.server.proxies().flatMap(({ types: all }) => all);
  expect(statuses.filter(({ state }) => state !== 'synced')).toEqual([]);
}

/** An ACK that confirms nothing new is not answered (X19). */
function expectSilence(walk: Walk, client: ModelClient): void {
  const { responses } = client;
  for (const type of types) client.repeatAck(type);
  walk.quiesce(client);
  expect(client.responses).toBe(responses);
}

/** Somebody who comes now has the same. */
function expectLikeNewcomer(walk: Walk, client: ModelClient): void {
  const newcomer = walk.newcomerLike(client);
  for (const type of types) {
    expect(contents(client, type, walk.of(type))).toEqual(contents(newcomer, type, walk.of(type)));
  }
  newcomer.leave();
}

/** @param existing of what was deleted a client may keep an old body, since nobody tells it (X78) */
function contents(
  client: ModelClient,
  type: Type,
  existing?: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] {
  const held = [...(client.state.get(type) ?? [])];
  return held.filter(([name]) => existing?.has(name) ?? true).toSorted();
}
