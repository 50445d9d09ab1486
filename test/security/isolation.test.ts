import { expect, it } from 'vitest';
import { aCaller, aKeyPair, aTrustBundle, HandFedSecrets } from '../support/hand-fed-secrets.ts';
import { ServerRig, type FakeClient } from '../support/stream-rig.ts';
import { noObserver } from '../../src/xds/observer.ts';

/** Everybody asks for what is everybody else's, while all of it is warm (reliability SC23). */

const accounts = 40;
const rounds = 250;
const nodeOf = (number: number): string =>
  `sidecar~10.0.0.${number}~app-${number}.ns-${number}~ns-${number}.svc.cluster.local`;
const callerOf = (number: number) =>
  aCaller(`account-${number}`, {
    identity: { trustDomain: 'cluster.local', namespace: `ns-${number}`, serviceAccount: `account-${number}` },
  });

/** Names by which somebody might hope to get the key of another account. */
const forms = [
  (other: number) => `account-${other}`,
  (other: number) => `spiffe://cluster.local/ns/ns-${other}/sa/account-${other}`,
  (other: number) => `default@ns-${other}`,
  (other: number) => `ns-${other}/default`,
  (other: number) => `kubernetes://ns-${other}/tls`,
  (other: number) => `default#${nodeOf(other)}`,
];

it('10,000 asks for the secrets and the configuration of others: nothing leaks, and every ask is told (reliability/S5, reliability/S55, reliability/SC23)', () => {
  const secrets = new HandFedSecrets();
  let denials = 0;
  const refusals: string[] = [];
  const rig = new ServerRig(
    { ...noObserver, denied: () => denials++, refused: ({ reason }) => void refusals.push(reason) },
    () => 0,
    secrets,
  );
  secrets.give('trust-bundle', '', aTrustBundle('ROOT'));
  const clients: FakeClient[] = [];
  for (let number = 0; number < accounts; number++) {
    secrets.give('own-certificate', `account-${number}`, aKeyPair(`[${number}]`));
    const client = rig.client('delta', callerOf(number));
    client.request('secret', { node: { id: nodeOf(number) }, resourceNamesSubscribe: ['default', 'ROOTCA'] });
    expect(rig.exchange(client)[0]?.resources.join()).toContain(`KEY OF [${number}]`);
    clients.push(client);
  }
  let asks = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [number, client] of clients.entries()) {
      const other = (number + 1 + (round % (accounts - 1))) % accounts;
      const name = `${forms[round % forms.length]?.(other)}${round < forms.length * accounts ? '' : ` ${round}`}`;
      client.request('secret', { resourceNamesSubscribe: [name], resourceNamesUnsubscribe: [] });
      rig.exchange(client).forEach(({ resources }) => expect(resources).toEqual([]));
      client.request('secret', { resourceNamesUnsubscribe: [name] });
      asks++;
    }
  }
  expect(asks).toBe(10_000);
  expect(denials).toBe(asks);
  // As another node, with the own credential.
  for (let number = 0; number < accounts; number++) {
    const impostor = rig.client('delta', callerOf(number));
    impostor.request('secret', { node: { id: nodeOf((number + 1) % accounts) }, resourceNamesSubscribe: ['default'] });
    rig.clock.settle();
    expect(impostor.answers).toEqual([]);
    expect(impostor.closed?.status).toBe('PERMISSION_DENIED');
  }
  expect(refusals).toEqual(Array.from({ length: accounts }, () => 'node'));
  for (const client of clients) expect(client.closed).toBeUndefined();
});
