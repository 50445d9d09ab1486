import { expect, it } from 'vitest';
import { ServerRig } from '../../test/support/stream-rig.ts';
import { noObserver, type Refusal } from './observer.ts';

const id = 'sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local';

function aRig() {
  const refusals: Refusal[] = [];
  const rig = new ServerRig({ ...noObserver, refused: (refusal) => void refusals.push(refusal) });
  rig.mesh.change((mesh) => mesh.put('endpoints', 'x', '1'));
  return { rig, refusals };
}

it('reliability/S74: a name of 512 bytes may be asked for, and one of 513 ends the stream, in whichever list it stands', () => {
  const { rig, refusals } = aRig();
  const [fits, tooLong] = ['é'.repeat(256), `${'é'.repeat(256)}x`];
  const client = rig.client();
  client.request('endpoints', { node: { id }, resourceNamesSubscribe: [fits] });
  expect(client.closed).toBeUndefined();
  const message = 'a name of 513 bytes is asked for; one may have 512';
  for (const fields of [
    { resourceNamesSubscribe: ['x', tooLong] },
    { resourceNamesUnsubscribe: [tooLong] },
    { initialResourceVersions: { [tooLong]: '1' } },
  ]) {
    const offender = rig.client();
    offender.request('endpoints', { node: { id }, ...fields });
    expect(offender.closed).toEqual({ status: 'RESOURCE_EXHAUSTED', detail: message });
  }
  const offender = rig.client('sotw');
  offender.list('endpoints', { node: { id }, resourceNames: [tooLong] });
  expect(offender.closed).toEqual({ status: 'RESOURCE_EXHAUSTED', detail: message });
  expect(refusals).toMatchObject(Array.from({ length: 4 }, () => ({ reason: 'limit', message })));
});

it('reliability/S75: a node that says too much of itself ends its stream, in its first request and later', () => {
  const { rig, refusals } = aRig();
  const metadata = { fields: { LABELS: { stringValue: 'x'.repeat(70_000) } } };
  const message = /^the metadata of the node has 70\d\d\d bytes, and may have 65536$/;
  const [first, later] = [rig.client(), rig.client()];
  first.request('endpoints', { node: { id, metadata } });
  later.request('endpoints', { node: { id } });
  expect(later.closed).toBeUndefined();
  later.request('listener', { node: { id, metadata } });
  for (const { closed } of [first, later]) {
    expect(closed).toMatchObject({ status: 'RESOURCE_EXHAUSTED', detail: expect.stringMatching(message) as string });
  }
  expect(refusals).toMatchObject([{ reason: 'limit' }, { reason: 'limit' }]);
});
