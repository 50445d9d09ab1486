import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { startFakeApiServer, type RunningFake } from '../../test/support/fake-api-server/start.ts';
import { anAuthority, signedOf, web } from '../../test/support/authorities.ts';
import { StoreError } from '../identity/authority-store.ts';
import { requestRotation } from '../identity/change-state.ts';
import { DirectoryStore } from '../identity/directory-store.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { ProxyStatus, TypeStatus } from '../xds/status.ts';
import { authorityStoreOf, meshAuthority } from './authority.ts';

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

it('reliability/R29: has a replacement of the root wait for proxies that refuse their secrets or are long over them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-authority-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const metrics = createMetrics({ version: '1', uptime: () => 1, processMetrics: false });
  const secret = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
  const cluster = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
  const proxies = [
    aProxyWith({ typeUrl: secret, state: 'synced', pendingSince: undefined }),
    aProxyWith({ typeUrl: secret, state: 'pending', pendingSince: Date.now() - 1_000 }),
    aProxyWith({ typeUrl: secret, state: 'pending', pendingSince: Date.now() - 120_000 }),
    aProxyWith({ typeUrl: secret, state: 'rejected', pendingSince: undefined }),
    aProxyWith({ typeUrl: cluster, state: 'rejected', pendingSince: undefined }),
  ];
  const authority = meshAuthority({
    settings: { caDir: directory, caSecret: undefined, trustDomain: 'cluster.local', certificateLifetime: 60_000 },
    client: undefined,
    proxies: () => proxies,
    metrics,
    log: silentLog,
  });
  await authority?.open();
  await requestRotation(new DirectoryStore(directory));
  const stop = new AbortController();
  const changed = new Promise<void>((resolve) => void authority?.authority.follow(resolve));
  const run = authority?.run(stop.signal);
  await changed;
  expect(authority?.report()).toMatchObject({ rotation: 'adding', waiting: { proxies: 2 } });
  const text = await metrics.expose();
  expect(text).toContain('weir_root_rotation{step="adding"} 1');
  expect(text).toContain('weir_root_rotation_waiting_proxies 2');
  stop.abort();
  await run;
});

function aProxyWith(type: Pick<TypeStatus, 'typeUrl' | 'state' | 'pendingSince'>): Pick<ProxyStatus, 'types'> {
  const rest = { type: 'cluster', wildcard: true, names: 0, resources: 1, version: 'v', nack: undefined } as const;
  return { types: [{ ...rest, sent: undefined, acked: undefined, ...type }] };
}

it('says which Secret is out of reach', async () => {
  const { store } = await aSecretStore();
  await fake?.stop();
  await expect(store.read()).rejects.toThrow(StoreError);
  await expect(store.read()).rejects.toThrow('the Secret weir-system/weir-ca is out of reach');
});
