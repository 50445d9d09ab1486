import { describe, expect, it } from 'vitest';
import { aCaller } from '../../test/support/hand-fed-secrets.ts';
import { aNodeId, ServerRig, type FakeClient } from '../../test/support/stream-rig.ts';
import type { Caller } from '../identity/caller.ts';
import { workloadKey } from '../model/keys.ts';
import { workloads } from '../model/tables.ts';
import type { Workload } from '../model/workload.ts';
import { noObserver, type Refusal } from './observer.ts';
import type * as envoy from './envoy.ts';

const uid = '11111111-2222-3333-4444-555555555555';
const other = '99999999-2222-3333-4444-555555555555';

function aPod(fields: Partial<Workload> = {}): Workload {
  const [namespace, name] = ['shop', fields.name ?? 'app-1'];
  return {
    ...{
      key: workloadKey('kubernetes', namespace, name),
      namespace,
      name,
      uid,
      labels: {},
      namedPorts: {},
      ready: true,
    },
    ...{ addresses: ['10.0.0.1'], serviceAccount: 'web' },
    declaredBy: { kind: 'Pod', namespace, name, origin: { source: 'kubernetes' } },
    ...fields,
  };
}

class BondRig extends ServerRig {
  readonly refusals: Refusal[] = [];

  constructor() {
    const refusals: Refusal[] = [];
    super({ ...noObserver, refused: (refusal) => void refusals.push(refusal) });
    this.refusals = refusals;
  }

  pods(...pods: readonly Workload[]): void {
    this.mesh.engine.batch({ source: 'kubernetes', at: 0 }, (write) => {
      for (const pod of pods) write.put(workloads, pod);
    });
  }

  /** The pod's own proxy, with these changes. */
  come(caller: Partial<Caller> = {}, node: envoy.Node = { id: aNodeId }): FakeClient {
    const client = this.client('delta', aCaller('web', { by: 'kubernetes-token', instance: uid, ...caller }));
    client.request('cluster', { node });
    this.clock.settle();
    return client;
  }
}

function metadata(fields: Readonly<Record<string, string>>): envoy.Struct {
  return { fields: Object.fromEntries(Object.entries(fields).map(([key, stringValue]) => [key, { stringValue }])) };
}

describe('a stream and its credential', () => {
  it('belong together when the pod is the one that the node names (reliability/S53, istio-compat/I33)', () => {
    const rig = new BondRig();
    rig.pods(aPod());
    expect(rig.come().closed).toBeUndefined();
    expect(rig.come({ by: 'certificate' }).closed).toBeUndefined();
    expect(rig.come({}, { id: aNodeId, metadata: metadata({ SERVICE_ACCOUNT: 'web' }) }).closed).toBeUndefined();
  });

  it.each<[string, Partial<Caller>, envoy.Node]>([
    ['another namespace', { identity: { ...aCaller().identity, namespace: 'bank' } }, { id: aNodeId }],
    ['a namespace in metadata that is another', {}, { id: aNodeId, metadata: metadata({ NAMESPACE: 'bank' }) }],
    ['another account in metadata', {}, { id: aNodeId, metadata: metadata({ SERVICE_ACCOUNT: 'db' }) }],
    ['another account than the pod runs under', { identity: aCaller('db').identity }, { id: aNodeId }],
    ['another pod of the account', {}, { id: 'sidecar~10.0.0.2~app-2.shop~shop.svc.cluster.local' }],
    ['a pod of the name that was there before', { instance: other }, { id: aNodeId }],
    ['no pod', { instance: undefined }, { id: aNodeId }],
    ['the name of a machine', { by: 'join-token', instance: 'machine-1' }, { id: aNodeId }],
    ['an address of another pod', {}, { id: 'sidecar~10.0.0.2~app-1.shop~shop.svc.cluster.local' }],
    [
      'an address of another pod in metadata',
      {},
      { id: aNodeId, metadata: metadata({ INSTANCE_IPS: '10.0.0.1,10.0.0.2' }) },
    ],
  ])('do not: %s (reliability/S53, reliability/S57, istio-compat/I33)', (_, caller, node) => {
    const rig = new BondRig();
    rig.pods(aPod(), aPod({ name: 'app-2', uid: other, addresses: ['10.0.0.2'] }));
    const client = rig.come(caller, node);
    expect(client.closed).toEqual({ status: 'PERMISSION_DENIED', detail: 'the node does not fit the credential' });
    expect(client.answers).toEqual([]);
    expect(rig.refusals).toMatchObject([{ reason: 'node' }]);
    expect(rig.server.size).toMatchObject({ streams: 0 });
    expect(rig.mesh.engine.statistics().watches).toBe(0);
  });

  it.each<[string, Partial<Caller>]>([
    ['a token', {}],
    ['a certificate', { by: 'certificate' }],
  ])('of a pod that nobody knows is let in by no %s (reliability/S57)', (_, caller) => {
    const rig = new BondRig();
    const client = rig.come(caller);
    expect(client.closed?.status).toBe('UNAVAILABLE');
    expect(client.answers).toEqual([]);
  });

  it('of a machine need no registry (reliability/S54)', () => {
    expect(new BondRig().come({ by: 'join-token', instance: 'app-1' }).closed).toBeUndefined();
    expect(new BondRig().come({ by: 'certificate', instance: 'app-1' }).closed).toBeUndefined();
  });

  it('of a machine are for no other workload of its account (reliability/S53, reliability/S54)', () => {
    for (const by of ['join-token', 'certificate'] as const) {
      const rig = new BondRig();
      expect(rig.come({ by, instance: 'app-2' }).closed?.status).toBe('PERMISSION_DENIED');
      expect(rig.refusals).toMatchObject([{ reason: 'node', message: expect.stringContaining(aNodeId) as string }]);
    }
  });

  it('end with the pod, or when another takes its name (reliability/S53)', () => {
    const rig = new BondRig();
    for (const change of ['delete', 'replace']) {
      rig.pods(aPod());
      const client = rig.come();
      expect(client.closed).toBeUndefined();
      if (change === 'replace') rig.pods(aPod({ uid: other }));
      else rig.mesh.engine.batch({ source: 'kubernetes', at: 0 }, (write) => write.remove(workloads, aPod().key));
      rig.clock.settle();
      expect(client.closed?.status).toBe(change === 'replace' ? 'PERMISSION_DENIED' : 'UNAVAILABLE');
    }
    expect(rig.mesh.engine.statistics().watches).toBe(0);
  });

  it('end together when the credential does (reliability/S53)', () => {
    const rig = new BondRig();
    rig.pods(aPod());
    const client = rig.come({ expiresAt: rig.clock.wallTime() + 40 * 86_400_000 });
    rig.clock.advance(40 * 86_400_000 - 1);
    expect(client.closed).toBeUndefined();
    rig.clock.advance(1);
    expect(client.closed).toMatchObject({ status: 'UNAUTHENTICATED', detail: 'the credential has expired' });
    expect(rig.refusals).toMatchObject([{ reason: 'expired' }]);
  });

  it('stay with one node: the same may be said again, another ends the stream (reliability/S53, reliability/S57)', () => {
    const rig = new BondRig();
    rig.pods(aPod(), aPod({ name: 'app-2', uid: other, addresses: ['10.0.0.2'] }));
    const client = rig.come();
    client.request('listener', { node: { id: aNodeId } });
    expect(client.closed).toBeUndefined();
    client.request('listener', { node: { id: 'sidecar~10.0.0.2~app-2.shop~shop.svc.cluster.local' } });
    expect(client.closed).toEqual({ status: 'PERMISSION_DENIED', detail: 'the stream belongs to another node' });
  });

  it('serve a proxy that says nothing of its account', () => {
    const rig = new BondRig();
    rig.pods(aPod());
    rig.come();
    expect(rig.server.size.streams).toBe(1);
  });
});
