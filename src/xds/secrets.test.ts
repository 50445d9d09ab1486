import { describe, expect, it } from 'vitest';
import { aCaller, aKeyPair, aTrustBundle, HandFedSecrets } from '../../test/support/hand-fed-secrets.ts';
import { aNodeId, ServerRig, type Answer, type FakeClient } from '../../test/support/stream-rig.ts';
import { clientStatusHandlers } from './client-status.ts';
import { noObserver, type Denial } from './observer.ts';
import { encode, decode } from './proto.ts';
import { spareBytes, type StreamTransport } from './transport/transport.ts';

const node = { id: aNodeId };
const both = ['default', 'ROOTCA'];

class SecretRig {
  readonly secrets = new HandFedSecrets();
  readonly denials: Denial[] = [];
  readonly rig: ServerRig;

  constructor() {
    const observer = { ...noObserver, denied: (denial: Denial) => void this.denials.push(denial) };
    this.rig = new ServerRig(observer, () => 0, this.secrets);
  }

  /** Secrets of two accounts and the bundle, known from the start. */
  filled(): this {
    this.secrets.give('own-certificate', 'web', aKeyPair('web'));
    this.secrets.give('own-certificate', 'db', aKeyPair('db'));
    this.secrets.give('trust-bundle', '', aTrustBundle('ROOT ONE'));
    return this;
  }

  get refused(): readonly string[] {
    return this.denials.map(({ name, reason }) => `${name} ${reason}`);
  }

  settle(client: FakeClient): readonly Answer[] {
    return this.rig.settle(client);
  }
}

/** What a client holds of a secret, in words. */
function said(answers: readonly Answer[]): string {
  return answers.flatMap(({ resources }) => resources).join('\n');
}

describe('secrets on the stream', () => {
  it('are the key and chain of the caller, and the bundle (istio-compat/I66)', () => {
    const { rig } = new SecretRig().filled();
    const web = rig.client('delta', aCaller('web'));
    web.request('secret', { node, resourceNamesSubscribe: both });
    const [answer] = rig.settle(web);
    expect(answer?.resources.map((each) => each.slice(0, each.indexOf('@')))).toEqual(both);
    expect(said(answer ? [answer] : [])).toMatch(/CERTIFICATE OF web[^]*KEY OF web[^]*ROOT ONE/);
  });

  it('are asked for in state of the world as well, and come again with the name that changes (istio-compat/I66)', () => {
    const test = new SecretRig().filled();
    const web = test.rig.client('sotw', aCaller('web'));
    web.list('secret', { node, resourceNames: both });
    const [answer] = test.settle(web);
    expect(answer?.resources).toHaveLength(2);
    web.list('secret', { resourceNames: both, responseNonce: answer?.nonce ?? '', versionInfo: 'x' });
    test.secrets.give('own-certificate', 'web', aKeyPair('web, renewed'));
    expect(said(test.settle(web))).toMatch(/KEY OF web, renewed/);
  });

  it('are waited for: that there is none yet is never said (istio-compat/I43)', () => {
    const test = new SecretRig();
    for (const wire of ['delta', 'sotw'] as const) {
      const web = test.rig.client(wire, aCaller(`late-${wire}`));
      if (wire === 'delta') web.request('secret', { node, resourceNamesSubscribe: ['default'] });
      else web.list('secret', { node, resourceNames: ['default'] });
      expect(test.settle(web)).toEqual([]);
      test.secrets.give('own-certificate', `late-${wire}`, aKeyPair('late'));
      expect(said(test.settle(web))).toMatch(/KEY OF late/);
    }
  });

  it('are pushed anew, with another version, when they change (istio-compat/I66)', () => {
    const test = new SecretRig().filled();
    const [web, db] = ['web', 'db'].map((account) => test.rig.client('delta', aCaller(account)));
    if (web === undefined || db === undefined) throw new Error('two clients');
    for (const client of [web, db]) {
      client.request('secret', { node, resourceNamesSubscribe: both });
      test.rig.exchange(client);
    }
    test.secrets.give('own-certificate', 'web', aKeyPair('web, renewed'));
    const [renewed] = test.rig.exchange(web);
    expect(said(renewed ? [renewed] : [])).toMatch(/KEY OF web, renewed/);
    expect(test.settle(db)).toEqual([]);
    test.secrets.give('trust-bundle', '', aTrustBundle('ROOT ONE AND TWO'));
    test.rig.clock.settle();
    for (const client of [web, db]) expect(said(client.take())).toMatch(/^ROOTCA@[^]*ROOT ONE AND TWO/);
  });

  it.each([
    ['no-identity', undefined, node],
    ['not-served', aCaller('web'), { ...node, metadata: { fields: { ISTIO_VERSION: { stringValue: '1.29.0' } } } }],
  ])('are for nobody else: %s (istio-compat/I20, reliability/S7)', (reason, caller, who) => {
    const test = new SecretRig().filled();
    const client = test.rig.client('delta', caller);
    client.request('secret', { node: who, resourceNamesSubscribe: both });
    expect(test.settle(client)).toMatchObject([{ resources: [], removed: both }]);
    expect(test.refused).toEqual(both.map((name) => `${name} ${reason}`));
  });

  it('of others are left out, counted, and not even looked up; the rest of the request is served (istio-compat/I248, reliability/S55, reliability/S56)', () => {
    const test = new SecretRig().filled();
    const web = test.rig.client('delta', aCaller('web'));
    const foreign = ['db', 'spiffe://cluster.local/ns/shop/sa/db', 'kubernetes://shop/tls', '../default', '*x', ''];
    web.request('secret', { node, resourceNamesSubscribe: [...foreign, 'default'] });
    const [answer] = test.settle(web);
    expect(answer).toMatchObject({ removed: foreign });
    expect(answer?.resources).toHaveLength(1);
    expect(web.closed).toBeUndefined();
    expect(test.refused).toEqual(foreign.map((name) => `${name} foreign`));
    expect([...test.secrets.followers].map(({ name }) => name)).toEqual(['own-certificate']);
  });

  it('do not come by a wildcard (reliability/S55)', () => {
    const test = new SecretRig().filled();
    const web = test.rig.client('delta', aCaller('web'));
    web.request('secret', { node, resourceNamesSubscribe: ['*'] });
    expect(said(test.settle(web))).toBe('');
    expect(test.secrets.followers.size).toBe(0);
  });

  it('of two streams of one account are asked for twice: a key belongs to one stream (reliability/S5)', () => {
    const test = new SecretRig().filled();
    for (let round = 0; round < 2; round++) {
      const client = test.rig.client('delta', aCaller('web', { instance: `pod-${round}` }));
      const id = `sidecar~10.0.0.${round + 1}~pod-${round}.shop~shop.svc.cluster.local`;
      client.request('secret', { node: { ...node, id }, resourceNamesSubscribe: ['default'] });
      test.settle(client);
    }
    expect([...test.secrets.followers].map(({ caller }) => caller.instance)).toEqual(['pod-0', 'pod-1']);
  });

  it('stand in nothing that streams share or people see (reliability/S5, reliability/S23)', () => {
    const test = new SecretRig().filled();
    const { rig } = test;
    const web = rig.client('delta', aCaller('web'));
    web.request('cluster', { node });
    rig.exchange(web);
    web.request('secret', { resourceNamesSubscribe: both });
    const before = rig.server.load.sharedBytes;
    expect(said(rig.settle(web))).toMatch(/KEY OF web/);
    expect(rig.server.load.sharedBytes).toBe(before);
    expect(rig.server.size).toMatchObject({ records: 0, subscriptions: 1 });
    const shown = JSON.stringify(rig.server.proxies()) + statusAnswer(rig);
    expect(shown).toMatch(/secret/i);
    expect(shown).not.toMatch(/KEY OF/);
  });

  it('are given up with the stream, and with the name (reliability/S5)', () => {
    const test = new SecretRig().filled();
    const web = test.rig.client('delta', aCaller('web'));
    web.request('secret', { node, resourceNamesSubscribe: both });
    test.rig.exchange(web);
    web.request('secret', { resourceNamesUnsubscribe: ['default'] });
    expect([...test.secrets.followers].map(({ name }) => name)).toEqual(['trust-bundle']);
    web.leave({ kind: 'half-closed' });
    expect(test.secrets.followers.size).toBe(0);
    expect(test.rig.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  });
});

/** What the client-status service answers. */
function statusAnswer(rig: ServerRig): string {
  let answer = '';
  let ask: (message: Uint8Array) => void = () => undefined;
  const transport: StreamTransport = {
    peer: { address: '192.0.2.9:1' },
    queuedBytes: 0,
    send: (parts) => {
      const message = decode('envoy.service.status.v3.ClientStatusResponse', Buffer.concat(parts).subarray(spareBytes));
      answer = JSON.stringify(message);
      return true;
    },
    onMessage: (callback) => (ask = callback),
    onDrain: () => undefined,
    onClose: () => undefined,
    close: () => undefined,
  };
  for (const serve of clientStatusHandlers(() => rig.server.proxies()).values()) serve(transport);
  ask(encode('envoy.service.status.v3.ClientStatusRequest', {}));
  return answer;
}
