import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { aNodeId, ServerRig, type Answer, type FakeClient } from '../../test/support/stream-rig.ts';
import { aResource } from '../../test/support/tiny-mesh.ts';
import type { Flight } from './flight.ts';
import { TaintedNames } from './taint.ts';

/** A client that refused a response because of `bad` and was cut off before it could confirm the rest of it. */
function refusedAndGone(before: Record<string, string>, refused: Record<string, string>): ServerRig {
  const rig = new ServerRig();
  rig.mesh.change((mesh) => {
    for (const [name, content] of Object.entries(before)) mesh.put('cluster', name, content);
  });
  const client = rig.bootedClient();
  rig.mesh.change((mesh) => {
    for (const [name, content] of Object.entries({ ...refused, bad: '1' })) mesh.put('cluster', name, content);
  });
  for (const answer of rig.settle(client)) client.nack(answer, 'Error adding/updating cluster(s) bad: no');
  expect(rig.settle(client).map(({ resources }) => resources)).toEqual([
    Object.entries(refused).map(([name, content]) => `${name}@${content}`),
  ]);
  client.leave({ kind: 'broken', detail: 'reset' });
  rig.mesh.remove('cluster', 'bad');
  return rig;
}

/** Comes back with what it says that it holds, and has no listeners, so that nothing holds removals up. */
function comesBack(rig: ServerRig, held: Record<string, string>): readonly Answer[] {
  const client: FakeClient = rig.client();
  client.request('cluster', {
    node: { id: aNodeId },
    initialResourceVersions: Object.fromEntries(
      Object.entries(held).map(([name, content]) => [name, aResource('cluster', name, content).version]),
    ),
  });
  client.request('listener');
  const answers = rig.exchange(client);
  return answers.filter(({ type }) => type === 'cluster');
}

describe('a client that comes back after it refused a part of a response', () => {
  it('is told that a resource is gone which it applied and does not speak of (xds-protocol/X304)', () => {
    const rig = refusedAndGone({}, { sibling: '1' });
    rig.mesh.remove('cluster', 'sibling');
    const answers = comesBack(rig, {});
    expect(answers.flatMap(({ removed }) => removed)).toContain('sibling');
  });

  it('is sent again what it says it holds, since it may run another version (xds-protocol/X304)', () => {
    const rig = refusedAndGone({ sibling: 'A', other: '1' }, { sibling: 'B' });
    rig.mesh.put('cluster', 'sibling', 'A');
    const answers = comesBack(rig, { sibling: 'A', other: '1' });
    expect(answers.flatMap(({ resources }) => resources)).toEqual(['sibling@A']);
  });

  it('is believed once it has confirmed that (xds-protocol/X304)', () => {
    const rig = refusedAndGone({ sibling: 'A' }, { sibling: 'B' });
    expect(rig.server.taint.names).toBe(2);
    comesBack(rig, { sibling: 'A' });
    expect(rig.server.taint.names).toBe(0);
    const answers = comesBack(rig, { sibling: 'B' });
    expect(answers).toMatchObject([{ resources: [], removed: [] }]);
  });

  it('is believed after ten minutes, too', () => {
    const rig = refusedAndGone({ sibling: 'A' }, { sibling: 'B' });
    rig.mesh.put('cluster', 'sibling', 'A');
    rig.clock.advance(600_000);
    expect(comesBack(rig, { sibling: 'A' })).toMatchObject([{ resources: [], removed: [] }]);
  });
});

describe('a client that is lost before it answers', () => {
  /** It was sent a first response, or what changed in it, and nobody knows what it made of it. */
  function lostWith(before: Record<string, string>, after: Record<string, string>): ServerRig {
    const rig = new ServerRig();
    rig.mesh.change((mesh) => {
      for (const [name, content] of Object.entries(before)) mesh.put('cluster', name, content);
    });
    const client = rig.bootedClient();
    rig.mesh.change((mesh) => {
      for (const [name, content] of Object.entries(after)) mesh.put('cluster', name, content);
    });
    expect(rig.settle(client).flatMap(({ resources }) => resources)).toHaveLength(Object.keys(after).length);
    client.leave({ kind: 'broken', detail: 'reset' });
    return rig;
  }

  it('is sent what it was sent, should it say that it holds what was before (xds-protocol/X304)', () => {
    const rig = lostWith({ a: 'A', b: 'A' }, { a: 'B', b: 'B' });
    rig.mesh.put('cluster', 'a', 'A');
    // It has accepted b, and can have accepted a as well: both are sent where it says otherwise.
    expect(comesBack(rig, { a: 'A', b: 'B' }).flatMap(({ resources }) => resources)).toEqual(['a@A']);
    expect(rig.server.taint.names).toBe(1);
  });

  it('is believed in nothing after it was lost with two contents (xds-protocol/X304)', () => {
    const rig = lostWith({ a: 'A' }, { a: 'B' });
    rig.mesh.put('cluster', 'a', 'A');
    const again = rig.client();
    again.request('cluster', {
      node: { id: aNodeId },
      initialResourceVersions: { a: aResource('cluster', 'a', 'A').version },
    });
    expect(rig.settle(again).flatMap(({ resources }) => resources)).toEqual(['a@A']);
    again.leave({ kind: 'broken', detail: 'reset' });
    expect(comesBack(rig, { a: 'A' }).flatMap(({ resources }) => resources)).toEqual(['a@A']);
    expect(rig.server.taint.names).toBe(0);
  });

  it('costs nothing when it holds all of a large first answer, whose ACK was lost (xds-protocol/X304)', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`c${index}`, '1']));
    const rig = lostWith({}, many);
    expect(rig.server.taint).toEqual({ names: 4_096, dropped: 904 });
    expect(comesBack(rig, many)).toMatchObject([{ resources: [], removed: [] }]);
    expect(comesBack(rig, {}).flatMap(({ resources }) => resources)).toHaveLength(5_000);
  });

  it('leaves nothing behind when it had answered everything', () => {
    const rig = lostWith({ a: 'A' }, {});
    expect(rig.server.taint.names).toBe(0);
  });
});

/** A response with resources (`name=version`), and with names that it takes away. */
function aFlight(resources: readonly string[], removed: readonly string[] = []): Flight {
  const parts = resources.map((text) => text.split('='));
  return {
    nonce: '1',
    version: '1',
    sentAt: 0,
    resources: parts.map(([name = '', version = '1']) => ({ ...aResource('cluster', name, version), version })),
    removed,
    replaces: new Map(),
    publications: [],
    sequence: 0,
    isHeartbeat: false,
    introduces: [],
  };
}

describe('tainted names', () => {
  it('are kept by node and type', () => {
    const taint = new TaintedNames(new ManualClock());
    taint.refused('n1', 'cluster', aFlight(['a'], ['b']));
    taint.refused('n2', 'cluster', aFlight(['c']));
    taint.accepted('n2', 'cluster', aFlight(['a']));
    taint.accepted('n1', 'endpoints', aFlight(['a']));
    taint.accepted('n1', 'cluster', aFlight(['never tainted'], ['b']));
    expect([...taint.of('n1', 'cluster').keys()]).toEqual(['a']);
    expect([...taint.of('n2', 'cluster').keys()]).toEqual(['c']);
    expect(taint.of('n1', 'endpoints').size).toBe(0);
  });

  it('are bounded: the oldest are dropped and counted', () => {
    const taint = new TaintedNames(new ManualClock(), 3);
    taint.refused('n1', 'cluster', aFlight(['a', 'b']));
    taint.refused('n2', 'cluster', aFlight(['c']));
    taint.refused('n1', 'listener', aFlight(['d']));
    expect([taint.size, taint.dropped]).toEqual([3, 1]);
    expect([...taint.of('n1', 'cluster').keys()]).toEqual(['b']);
    taint.refused('n1', 'cluster', aFlight(['e', 'f', 'g']));
    expect([taint.size, taint.dropped]).toEqual([3, 4]);
    expect([...taint.of('n1', 'cluster').keys()]).toEqual(['e', 'f', 'g']);
  });

  it('of responses without an answer never take the place of others', () => {
    const taint = new TaintedNames(new ManualClock(), 3);
    taint.refused('n1', 'cluster', aFlight(['a', 'b']));
    taint.unanswered('n2', 'cluster', aFlight(['c=1', 'd=1']));
    taint.unanswered('n3', 'cluster', aFlight(['e=1']));
    expect([taint.size, taint.dropped]).toEqual([3, 2]);
    expect([...taint.of('n1', 'cluster').keys()]).toEqual(['a', 'b']);
    expect([...taint.of('n2', 'cluster')]).toEqual([['c', '1']]);
    expect(taint.of('n3', 'cluster').size).toBe(0);
  });

  it('are settled by the one version that can have been lost, and by none where there are several or was a refusal', () => {
    const taint = new TaintedNames(new ManualClock());
    taint.refused('n', 'cluster', aFlight(['refused']));
    taint.unanswered('n', 'cluster', aFlight(['refused=1', 'once=1', 'twice=1', 'same=1'], ['removed']));
    taint.unanswered('n', 'cluster', aFlight(['twice=2', 'same=1']));
    expect(Object.fromEntries(taint.of('n', 'cluster'))).toEqual({
      refused: undefined,
      once: '1',
      twice: undefined,
      same: '1',
      removed: undefined,
    });
  });

  it('count their ten minutes from the last NACK, and leave nothing behind', () => {
    const clock = new ManualClock();
    const taint = new TaintedNames(clock);
    taint.refused('n1', 'cluster', aFlight(['a']));
    clock.advance(400_000);
    taint.refused('n2', 'cluster', aFlight(['b']));
    taint.refused('n1', 'cluster', aFlight(['c']));
    clock.advance(599_999);
    expect([...taint.of('n1', 'cluster').keys()]).toEqual(['a', 'c']);
    clock.advance(1);
    expect(taint.of('n1', 'cluster').size).toBe(0);
    expect([taint.size, taint.dropped]).toEqual([0, 0]);
  });
});
