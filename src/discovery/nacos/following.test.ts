import { afterEach, describe, expect, it } from 'vitest';
import { FakeNacos, type FakeNacosOptions } from '../../../test/support/fake-nacos/fake-nacos.ts';
import { FollowedNacos, type NacosAddress } from '../../../test/support/followed-nacos.ts';
import type { NacosSourceOptions } from './nacos-source.ts';

const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.stop();
});

async function aNacos(options: Partial<FakeNacosOptions> = {}): Promise<FakeNacos> {
  const fake = await FakeNacos.start({ version: '2.5', ...options });
  running.push(fake);
  return fake;
}

async function follow(
  addresses: NacosAddress | readonly NacosAddress[],
  more: Partial<NacosSourceOptions> = {},
): Promise<FollowedNacos> {
  const followed = FollowedNacos.start([addresses].flat(), more);
  running.push(followed);
  await followed.untilSynced();
  return followed;
}

const orders = { service: 'orders' };
const host = 'orders.default-group.public.nacos';
const anInstance = (ip: string) => ({ ip, port: 8080 });
const pace = { listPeriod: 20, auditPeriod: 60_000, concurrency: 200 };

describe.each(['2.5', '3.1'] as const)('a Nacos that speaks as %s', (version) => {
  it('gives its services and what is behind them; a service without instances is one (registries/N36, registries/N46)', async () => {
    const fake = await aNacos({ version });
    fake.services.set(orders, [anInstance('10.0.0.1'), anInstance('10.0.0.2')]);
    const followed = await follow(fake);
    expect(followed.endpoints(host)).toEqual(['10.0.0.1:8080', '10.0.0.2:8080']);
    fake.services.set(orders, [anInstance('10.0.0.2')]);
    await followed.until(() => followed.endpoints(host).length === 1);
    fake.services.set(orders, []);
    await followed.until(() => followed.endpoints(host).length === 0);
    expect(followed.services.map(({ hostname }) => hostname)).toEqual([host]);
  });

  it('loses a service only when lists lack it again and again and it is empty (registries/N36)', async () => {
    const fake = await aNacos({ version });
    fake.services.set(orders, []);
    const followed = await follow(fake, { pace });
    fake.services.forget(orders);
    await followed.until(() => followed.services.length === 0);
    expect(followed.changes).toEqual([`added services public/${host}`, `removed services public/${host}`]);
  });

  it('keeps a service that a list lacks while it has instances (registries/N45)', async () => {
    const fake = await aNacos({ version });
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake, { pace });
    const empty = { resultCode: 200, errorCode: 0, count: 0, serviceNames: [] };
    fake.script('ServiceListRequest', { kind: 'answer', message: empty }, { times: 3 });
    fake.services.set({ service: 'payments' }, []);
    await followed.until(() => followed.services.length === 2);
    expect(followed.changes.filter((change) => change.startsWith('removed'))).toEqual([]);
  });

  it('has namespaces that do not mix, since a push does not name its own', async () => {
    const fake = await aNacos({ version });
    fake.services.set({ namespace: 'dev', ...orders }, [anInstance('10.0.0.1')]);
    fake.services.set({ namespace: 'test', ...orders }, []);
    const namespaces = ['dev', 'test'].map((id) => ({ id, meshNamespace: `shop-${id}` }));
    const followed = await follow(fake, { namespaces });
    fake.services.set({ namespace: 'dev', ...orders }, [anInstance('10.0.0.2')]);
    await followed.until(() => followed.endpoints('orders.default-group.dev.nacos')[0] === '10.0.0.2:8080');
    expect(followed.endpoints('orders.default-group.test.nacos')).toEqual([]);
    expect(followed.services.map(({ namespace }) => namespace).toSorted()).toEqual(['shop-dev', 'shop-test']);
  });

  it('is not asked again for what it says twice: what is the same wakes nobody (registries/N42)', async () => {
    const fake = await aNacos({ version });
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    const known = followed.changes.length;
    fake.push(orders);
    fake.push(orders);
    fake.services.set({ service: 'payments' }, []);
    await followed.until(() => (followed.source.metrics()[0]?.unchanged ?? 0) >= 2);
    expect(followed.changes.slice(known).filter((change) => change.includes('orders'))).toEqual([]);
  });
});

describe('faults of a Nacos', () => {
  it('a connection that it has forgotten is made anew, and everything on it, without a change (registries/N28)', async () => {
    const fake = await aNacos();
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake, { pace });
    const known = followed.changes.length;
    fake.unregisterAll();
    await followed.until(() => followed.state?.freshness === 'stale');
    await followed.untilSynced();
    expect(fake.opened).toBe(2);
    expect(followed.changes.slice(known)).toEqual([]);
    fake.services.set(orders, [anInstance('10.0.0.2')]);
    await followed.until(() => followed.endpoints(host)[0] === '10.0.0.2:8080');
  });

  it('a reset leads to the server that it names, which is one of ours (registries/N17)', async () => {
    const first = await aNacos();
    first.services.set(orders, [anInstance('10.0.0.1')]);
    const second = await aNacos();
    second.services.set(orders, [anInstance('10.0.0.1')]);
    const third = await aNacos();
    third.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow([first, second, third]);
    const [from, to] = [first, third];
    from.resetAll(to.server.host, String(to.server.port));
    await followed.until(() => followed.state?.freshness === 'stale');
    await followed.untilSynced();
    expect([first.opened, second.opened, third.opened]).toEqual([1, 0, 1]);
    expect(followed.changes.filter((change) => change.startsWith('removed'))).toEqual([]);
  });

  it('a server that is gone takes nothing away: what was known stays, marked stale (registries/N45, reliability/R25)', async () => {
    const fake = await aNacos();
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    await running.shift()?.stop();
    await followed.until(() => followed.state?.freshness === 'stale');
    expect(followed.endpoints(host)).toEqual(['10.0.0.1:8080']);
    expect(followed.state?.reason).toMatch(/public: .*127\.0\.0\.1/);
  });

  it('a refusal in the answer of the request concerns one service, and is shown on it (registries/T24)', async () => {
    const fake = await aNacos();
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    fake.services.set({ service: 'secret' }, [anInstance('10.0.0.2')]);
    const refusal = { resultCode: 500, errorCode: 403, message: 'user not found!', success: false };
    const about = (message: Readonly<Record<string, unknown>>) => message['serviceName'] === 'secret';
    fake.script('SubscribeServiceRequest', { kind: 'answer', message: refusal }, { about });
    const followed = await follow(fake);
    expect(followed.endpoints(host)).toEqual(['10.0.0.1:8080']);
    expect(followed.problems).toMatchObject([
      { code: 'WEIR2203', place: { object: { kind: 'nacos.io/Service', name: 'DEFAULT_GROUP@@secret' } } },
    ]);
    await followed.until(() => followed.endpoints('secret.default-group.public.nacos')[0] === '10.0.0.2:8080');
    expect(followed.problems).toEqual([]);
  });

  it('a push that was overtaken on its way is not believed: the server is asked (registries/N32)', async () => {
    const fake = await aNacos({ pushDelay: 60_000 });
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    fake.services.set(orders, [anInstance('10.0.0.2')]);
    const [connection] = fake.connections.values();
    const serviceInfo = { name: 'orders', groupName: 'DEFAULT_GROUP', hosts: [], lastRefTime: 1 };
    connection?.push('NotifySubscriberRequest', { serviceInfo });
    await followed.until(() => followed.endpoints(host)[0] === '10.0.0.2:8080');
    expect(followed.changes.filter((change) => change.startsWith('removed'))).toEqual([]);
  });

  it('an answer that was overtaken by a push does not count (registries/N32)', async () => {
    const fake = await aNacos();
    const late = Promise.withResolvers<void>();
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    fake.script('SubscribeServiceRequest', { kind: 'late', until: late.promise });
    const followed = await follow(fake);
    fake.services.set(orders, [anInstance('10.0.0.2')]);
    await followed.until(() => followed.endpoints(host)[0] === '10.0.0.2:8080');
    const known = followed.changes.length;
    late.resolve();
    fake.services.set({ service: 'payments' }, [anInstance('10.0.0.3')]);
    await followed.until(() => followed.services.length === 2);
    expect(followed.changes.slice(known).filter((change) => change.includes('orders'))).toEqual([]);
  });

  it('a push that was never sent is found by an audit, and counted (registries/N44, reliability/R26)', async () => {
    const fake = await aNacos({ pushDelay: 60_000 });
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake, { pace: { ...pace, listPeriod: 60_000, auditPeriod: 50 } });
    fake.services.set(orders, [anInstance('10.0.0.2')]);
    await followed.until(() => followed.endpoints(host)[0] === '10.0.0.2:8080');
    expect(followed.source.metrics()).toMatchObject([{ repaired: 1 }]);
  });

  it('a push without a list of instances, or that is no JSON, says nothing (registries/N45)', async () => {
    const fake = await aNacos();
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    const [connection] = fake.connections.values();
    connection?.push('NotifySubscriberRequest', { serviceInfo: { name: 'orders', groupName: 'DEFAULT_GROUP' } });
    connection?.pushText('NotifySubscriberRequest', '{"serviceInfo":');
    fake.services.set({ service: 'payments' }, [anInstance('10.0.0.3')]);
    await followed.until(() => followed.services.length === 2);
    expect(followed.endpoints(host)).toEqual(['10.0.0.1:8080']);
  });

  it('a push of more than 10 MB is taken (registries/N27)', async () => {
    const fake = await aNacos();
    fake.services.set(orders, []);
    const followed = await follow(fake);
    const padding = 'x'.repeat(1000);
    const many = Array.from({ length: 10_000 }, (_, index) => ({
      ...anInstance(`10.1.${index >> 8}.${index & 255}`),
      metadata: { padding },
    }));
    fake.services.set(orders, many);
    await followed.until(() => followed.endpoints(host).length === 10_000);
  });

  it('every push is acknowledged with its own number (registries/N20)', async () => {
    const fake = await aNacos();
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    const [connection] = fake.connections.values();
    connection?.push('ClientDetectionRequest', { requestId: 'detection' });
    connection?.push('NotifySubscriberRequest', { requestId: 'push', serviceInfo: {} });
    await connection?.untilAcknowledged('NotifySubscriberResponse push');
    expect(connection?.acknowledged).toContain('ClientDetectionResponse detection');
    expect(followed.endpoints(host)).toEqual(['10.0.0.1:8080']);
  });

  it('an old server, which tells no abilities, is waited for shortly (registries/N31)', async () => {
    const fake = await aNacos({ isOld: true });
    fake.services.set(orders, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    expect(followed.endpoints(host)).toEqual(['10.0.0.1:8080']);
  });
});

describe('the fuzzy watch of 3.x', () => {
  it('finds services at once, in groups that nobody has named (registries/N35, registries/T26)', async () => {
    const fake = await aNacos({ version: '3.1' });
    fake.services.set({ group: 'G1', ...orders }, [anInstance('10.0.0.1')]);
    const followed = await follow(fake, { groups: undefined, pace: { ...pace, listPeriod: 60_000 } });
    expect(followed.services).toMatchObject([{ declaredBy: { name: 'G1@@orders' } }]);
    fake.services.set({ group: 'G2', service: 'payments' }, [anInstance('10.0.0.2')]);
    await followed.until(() => followed.shards.length === 2);
    // Deleted is said of a service that has lost its instances: it is still there.
    fake.services.set({ group: 'G2', service: 'payments' }, []);
    await followed.until(() => followed.shards.length === 1);
    expect(followed.services).toHaveLength(2);
  });

  it('that tells only a part leaves the rest to lists, and says so (registries/N4, registries/T28)', async () => {
    const fake = await aNacos({ version: '3.1' });
    for (let index = 0; index < 520; index++) fake.services.set({ service: `s${index}` }, [anInstance('10.0.0.1')]);
    const followed = await follow(fake);
    await followed.until(() => followed.services.length === 520 && followed.state?.kinds?.[0]?.reason !== undefined);
    expect(followed.state?.kinds).toMatchObject([
      { kind: 'nacos.io/Service', namespace: 'public', state: 'following', objects: 520 },
    ]);
    expect(followed.state?.kinds?.[0]?.reason).toContain('50311');
  });
});
