import { afterEach, expect, it } from 'vitest';
import { HandFedAuthority } from '../../../../test/support/hand-fed-authority.ts';
import { startFakeApiServer } from '../../../../test/support/fake-api-server/start.ts';
import { untilStill, VirtualTime } from '../../../../test/support/fake-api-server/virtual-time.ts';
import { silentLog } from '../../../observe/log.ts';
import type { ApiClient } from '../api/api-client.ts';
import type { Reflect } from '../reflect.ts';
import { Contact } from '../reflector/contact.ts';
import { Reflector } from '../reflector/reflector.ts';
import { ListTurns } from '../reflector/turns.ts';
import { RootCertificateWriter, type RootWriteResult } from './root-certificate-writer.ts';

const name = 'istio-ca-root-cert';
const writes = { verb: 'patch', resource: 'configmaps' } as const;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

/** A writer by a real client and real reflectors, on a fake API server, in a time of their own. */
async function aCluster(...names: readonly string[]) {
  const rest = { moves: (): number => 0 };
  const time = new VirtualTime(() => untilStill(() => rest.moves()));
  const { server, client, stop } = await startFakeApiServer({ clock: time });
  for (const each of names) server.objects.put('namespaces', { metadata: { name: each } });
  rest.moves = () => server.traffic;
  const authority = new HandFedAuthority();
  const [warnings, results]: [string[], RootWriteResult[]] = [[], []];
  const held = { is: true };
  const ending = new AbortController();
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const options = { client, authority, clock: time, random: () => 0.5, log };
  const reflect = reflecting(client, time);
  const writer = new RootCertificateWriter({ ...options, reflect, wrote: (result) => void results.push(result) });
  const lead = (): void => {
    const done = writer.run({ signal: ending.signal, isHeld: () => held.is && !ending.signal.aborted });
    ends.push(async () => {
      ending.abort();
      await done;
      await stop();
    });
  };
  const rootOf = (namespace: string): unknown => server.objects.get('configmaps', `${namespace}/${name}`)?.['data'];
  return { time, server, authority, warnings, results, held, lead, rootOf };
}

function reflecting(client: ApiClient, clock: VirtualTime): Reflect {
  const turn = new ListTurns(2).at(0);
  const contact = new Contact();
  return (following) =>
    new Reflector({ ...following, client, clock, random: () => 0.5, log: silentLog, turn, contact });
}

const one = { 'root-cert.pem': 'ROOT ONE' };
const two = { 'root-cert.pem': 'ROOT TWO' };

it('istio-compat/I36: stands in every namespace but those that nobody runs in, under the name of Weir and once', async () => {
  const { time, server, lead, rootOf } = await aCluster('shop', 'kube-public', 'kube-node-lease', 'local-path-storage');
  server.objects.put('namespaces', { metadata: { name: 'ending', deletionTimestamp: '2026-01-01T00:00:00Z' } });
  lead();
  await time.pass(600_000);
  const kept = server.objects.list('configmaps');
  expect(kept.map(({ metadata }) => metadata.namespace).toSorted()).toEqual(['default', 'kube-system', 'shop']);
  expect(rootOf('shop')).toEqual(one);
  expect(kept[0]?.metadata).toMatchObject({ name, labels: { 'istio.io/config': 'true' } });
  expect(kept[0]?.metadata.managedFields).toMatchObject([{ manager: 'weir-root-certificates', operation: 'Apply' }]);
  expect(server.log.count(writes)).toBe(3);
});

it('istio-compat/I36: is there for a namespace that is new, and is put back when it is edited or deleted', async () => {
  const { time, server, lead, rootOf } = await aCluster('shop');
  lead();
  await time.pass(5_000);
  server.objects.put('namespaces', { metadata: { name: 'later' } });
  server.objects.remove('configmaps', `shop/${name}`);
  const metadata = { name, namespace: 'default', labels: { 'istio.io/config': 'true', team: 'a' } };
  server.objects.put('configmaps', { metadata, data: { 'root-cert.pem': 'FALSE', theirs: 'stays' } });
  server.objects.put('configmaps', { metadata: { name, namespace: 'kube-system' }, data: one });
  await time.pass(2_000);
  expect(rootOf('later')).toEqual(one);
  expect(rootOf('shop')).toEqual(one);
  expect(rootOf('default')).toEqual({ ...one, theirs: 'stays' });
  expect(server.objects.get('configmaps', `kube-system/${name}`)?.metadata.labels).toEqual({
    'istio.io/config': 'true',
  });
});

it('istio-compat/I56: a bundle that changes is written everywhere, at a bounded rate, and new namespaces do not wait for it', async () => {
  const many = Array.from({ length: 400 }, (_, index) => `team-${index}`);
  const { time, server, authority, lead, rootOf } = await aCluster(...many);
  lead();
  await time.pass(30_000);
  expect(server.log.count(writes)).toBe(402);
  authority.rotate('ROOT TWO');
  authority.rotate('ROOT TWO');
  await time.pass(2_000);
  server.objects.put('namespaces', { metadata: { name: 'new' } });
  await time.pass(1_000);
  expect(rootOf('new')).toEqual(two);
  expect(server.log.count(writes)).toBeLessThanOrEqual(402 + 100 + 3 * 50 + 1);
  await time.pass(20_000);
  expect([...many, 'new'].map(rootOf)).toEqual([...many, 'new'].map(() => two));
  expect(server.log.count(writes)).toBe(402 + 403);
});

it('is not taken away while the authority cannot be read', async () => {
  const { time, server, authority, lead, rootOf } = await aCluster('shop');
  authority.trustBundle = '';
  lead();
  await time.pass(5_000);
  expect(server.log.count(writes)).toBe(0);
  authority.rotate('ROOT ONE');
  await time.pass(5_000);
  authority.rotate('');
  server.objects.remove('configmaps', `shop/${name}`);
  await time.pass(5_000);
  expect(rootOf('shop')).toEqual(one);
});

it('what another keeps changing is put back ever more rarely, and is said once', async () => {
  const { time, server, warnings, lead, rootOf } = await aCluster('shop');
  lead();
  for (let second = 0; second < 3_600; second++) {
    server.objects.put('configmaps', { metadata: { name, namespace: 'shop' }, data: { 'root-cert.pem': 'THEIRS' } });
    await time.pass(1_000);
  }
  expect(server.log.count({ ...writes, namespace: 'shop' })).toBeLessThan(25);
  expect(warnings.filter((warning) => /somebody else keeps changing/.test(warning))).toHaveLength(1);
  await time.pass(300_000);
  expect(rootOf('shop')).toEqual(one);
});

it('says once which right is missing, asks ever more rarely, and catches up', async () => {
  const { time, server, warnings, results, lead, rootOf } = await aCluster('shop');
  const allow = server.faults.always(writes, { kind: 'status', code: 403, reason: 'Forbidden' });
  lead();
  await time.pass(1_800_000);
  expect(warnings).toEqual([
    `Weir may not write the root certificate: it needs create and patch on configmaps ${name} in every namespace`,
  ]);
  expect(server.log.count(writes)).toBeLessThan(50);
  expect(new Set(results)).toEqual(new Set(['forbidden']));
  allow();
  await time.pass(300_000);
  expect(rootOf('shop')).toEqual(one);
});

it('says once that it may not look, and writes nothing blindly', async () => {
  const { time, server, warnings, lead } = await aCluster('shop');
  server.faults.always({ resource: 'configmaps' }, { kind: 'status', code: 403, reason: 'Forbidden' });
  lead();
  await time.pass(300_000);
  expect(warnings).toEqual([
    `Weir may not see where the root certificate is missing: it needs list and watch on configmaps ${name}`,
  ]);
  expect(server.log.count(writes)).toBe(0);
});

it('a namespace that is refused does not hold up the others; one that ends meanwhile is no failure', async () => {
  const { time, server, results, warnings, lead, rootOf } = await aCluster('full', 'going', 'shop');
  const causes = [{ reason: 'NamespaceTerminating', message: 'namespace going is being terminated', field: '' }];
  server.faults.always({ ...writes, namespace: 'going' }, { kind: 'status', code: 403, reason: 'Forbidden', causes });
  server.faults.always({ ...writes, namespace: 'full' }, { kind: 'status', code: 422, reason: 'Invalid' });
  lead();
  await time.pass(10_000);
  expect(rootOf('shop')).toEqual(one);
  expect(results.filter((result) => result === 'gone')).toHaveLength(1);
  expect(results.filter((result) => result === 'forbidden')).toHaveLength(0);
  expect(warnings).toEqual(['the root certificate cannot be written']);
});

it('while the server is overloaded nothing is asked of it, and all is written afterwards', async () => {
  const { time, server, results, lead, rootOf } = await aCluster('shop');
  server.faults.times(2, writes, { kind: 'status', code: 503, reason: 'ServiceUnavailable' });
  server.faults.once(writes, { kind: 'status', code: 429, reason: 'TooManyRequests', retryAfterSeconds: 30 });
  lead();
  await time.pass(20_000);
  expect(results).toEqual(['failed', 'failed', 'failed']);
  await time.pass(40_000);
  expect(['default', 'kube-system', 'shop'].map(rootOf)).toEqual([one, one, one]);
});

it('reliability/R62: who no longer leads writes nothing', async () => {
  const { time, server, authority, held, lead } = await aCluster('shop');
  lead();
  await time.pass(5_000);
  held.is = false;
  authority.rotate('ROOT TWO');
  await time.pass(60_000);
  expect(server.log.count(writes)).toBe(3);
});
