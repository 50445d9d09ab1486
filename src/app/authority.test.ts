import { afterEach, expect, it } from 'vitest';
import { startFakeApiServer, type RunningFake } from '../../test/support/fake-api-server/start.ts';
import { anAuthority, signedOf, web } from '../../test/support/authorities.ts';
import { StoreError } from '../identity/authority-store.ts';
import { authorityStoreOf } from './authority.ts';

let fake: RunningFake | undefined;
afterEach(async () => {
  await fake?.stop();
  fake = undefined;
});

async function aSecretStore() {
  fake = await startFakeApiServer();
  const { client } = fake;
  await client.request({ method: 'POST', path: '/api/v1/namespaces', body: aNamespace });
  const store = authorityStoreOf({ caDir: undefined, caSecret: { namespace: 'weir-system', name: 'weir-ca' } }, client);
  if (store === undefined) throw new Error('there is no store');
  return { client, store };
}

const aNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'weir-system' } };
const secrets = '/api/v1/namespaces/weir-system/secrets';

function aSecret(data: Readonly<Record<string, string>>) {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'weir-system', name: 'weir-ca' }, data };
}

it('keeps one root for replicas that start at once, in a Secret', async () => {
  const { client, store } = await aSecretStore();
  const authorities = Array.from({ length: 4 }, () => anAuthority({ store }));
  await Promise.all(authorities.map((authority) => authority.open()));
  const bundles = new Set(authorities.map(({ trustBundle }) => trustBundle));
  expect(bundles.size).toBe(1);
  for (const authority of authorities) signedOf(await authority.issue(web));
  const { body } = await client.request({ path: `${secrets}/weir-ca` });
  expect(body).toMatchObject({ type: 'Opaque', metadata: { labels: { 'app.kubernetes.io/managed-by': 'weir' } } });
});

it('makes its root beside what is in the Secret already, and loses nothing of it', async () => {
  const { client, store } = await aSecretStore();
  await client.request({ method: 'POST', path: secrets, body: aSecret({ note: 'aGVsbG8=' }) });
  const [one, two] = [anAuthority({ store }), anAuthority({ store })];
  await Promise.all([one.open(), two.open()]);
  expect(one.trustBundle).toBe(two.trustBundle);
  const { body } = await client.request({ path: `${secrets}/weir-ca` });
  expect(body).toMatchObject({ data: { note: 'aGVsbG8=' } });
});

it('refuses a write by a version that is not the last', async () => {
  const { store } = await aSecretStore();
  expect(await store.write('one', undefined)).toBe(true);
  const { version } = await store.read();
  expect(await store.write('two', version)).toBe(true);
  expect(await store.write('three', version)).toBe(false);
  expect(await store.write('three', undefined)).toBe(false);
  expect((await store.read()).own).toBe('two');
});

it('gives what is plugged in, as Istio has it', async () => {
  const { client, store } = await aSecretStore();
  const data = { 'ca-key.pem': 'a2V5', 'ca-cert.pem': 'Y2VydA==' };
  await client.request({ method: 'POST', path: secrets, body: aSecret(data) });
  expect(await store.read()).toMatchObject({
    pluggedIn: { 'ca-key.pem': 'key', 'ca-cert.pem': 'cert' },
    own: undefined,
  });
});

it('says which Secret is out of reach', async () => {
  const { store } = await aSecretStore();
  await fake?.stop();
  await expect(store.read()).rejects.toThrow(StoreError);
  await expect(store.read()).rejects.toThrow('the Secret weir-system/weir-ca is out of reach');
});
