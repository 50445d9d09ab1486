import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { aNodeId, ServerRig, type Answer, type FakeClient } from '../../test/support/stream-rig.ts';
import { aResource } from '../../test/support/tiny-mesh.ts';
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

describe('tainted names', () => {
  it('are kept by node and type', () => {
    const taint = new TaintedNames(new ManualClock());
    taint.add('n1', 'cluster', ['a', 'b']);
    taint.add('n2', 'cluster', ['c']);
    taint.clear('n2', 'cluster', ['a']);
    taint.clear('n1', 'endpoints', ['a']);
    taint.clear('n1', 'cluster', ['b', 'never tainted']);
    expect([...taint.of('n1', 'cluster')]).toEqual(['a']);
    expect([...taint.of('n2', 'cluster')]).toEqual(['c']);
    expect(taint.of('n1', 'endpoints').size).toBe(0);
  });

  it('are bounded: the oldest are dropped and counted', () => {
    const taint = new TaintedNames(new ManualClock(), 3);
    taint.add('n1', 'cluster', ['a', 'b']);
    taint.add('n2', 'cluster', ['c']);
    taint.add('n1', 'listener', ['d']);
    expect([taint.size, taint.dropped]).toEqual([3, 1]);
    expect([...taint.of('n1', 'cluster')]).toEqual(['b']);
    taint.add('n1', 'cluster', ['e', 'f', 'g']);
    expect([taint.size, taint.dropped]).toEqual([3, 4]);
    expect([...taint.of('n1', 'cluster')]).toEqual(['e', 'f', 'g']);
  });

  it('count their ten minutes from the last NACK, and leave nothing behind', () => {
    const clock = new ManualClock();
    const taint = new TaintedNames(clock);
    taint.add('n1', 'cluster', ['a']);
    clock.advance(400_000);
    taint.add('n2', 'cluster', ['b']);
    taint.add('n1', 'cluster', ['c']);
    clock.advance(599_999);
    expect([...taint.of('n1', 'cluster')]).toEqual(['a', 'c']);
    clock.advance(1);
    expect(taint.of('n1', 'cluster').size).toBe(0);
    expect([taint.size, taint.dropped]).toEqual([0, 0]);
  });
});
