import { createHmac } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { FakeNacos, type FakeNacosOptions } from '../../../../test/support/fake-nacos/fake-nacos.ts';
import { FollowedNacos } from '../../../../test/support/followed-nacos.ts';
import { realTimedClock } from '../../../../test/support/timed-clocks.ts';
import { silentLog } from '../../../observe/log.ts';
import { accessKeyCredentials } from './credentials.ts';
import { Login, type NacosAccount } from './login.ts';

const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.stop();
});

const account = { username: 'weir', password: 'a-good-one' };

async function aNacos(options: Partial<FakeNacosOptions> = {}): Promise<FakeNacos> {
  const fake = await FakeNacos.start({ version: '2.5', account, ...options });
  running.push(fake);
  fake.services.set({ service: 'orders' }, [{ ip: '10.0.0.1', port: 80 }]);
  return fake;
}

function follow(fake: FakeNacos, as: NacosAccount = account): FollowedNacos {
  const credentials = new Login({
    servers: [fake.server],
    tls: undefined,
    contextPath: '/nacos',
    account: () => Promise.resolve(as),
    clock: realTimedClock,
    random: () => 0,
    log: silentLog,
  });
  const followed = FollowedNacos.start([fake], { credentials });
  running.push(followed);
  return followed;
}

it('logs in by the path that the server has, and shows its token with each request (registries/N24, registries/T25)', async () => {
  const old = await aNacos();
  await follow(old).untilSynced();
  expect(old.accounts.tried).toEqual(['/nacos/v3/auth/user/login', '/nacos/v1/auth/users/login']);
  const young = await aNacos({ version: '3.1' });
  await follow(young).untilSynced();
  expect(young.accounts.tried).toEqual(['/nacos/v3/auth/user/login']);
});

it('an account that the server does not know yet is tried again, and the refusal is told (registries/T25)', async () => {
  const fake = await aNacos();
  fake.accounts.failNext(1);
  const followed = follow(fake);
  await followed.until(() => followed.state?.reason?.includes('refuses the login of weir (HTTP 500)') === true);
  await followed.untilSynced();
});

it('renews its token before it expires (registries/N24)', async () => {
  const fake = await aNacos({ account: { ...account, tokenTtl: 1 } });
  const followed = follow(fake);
  await followed.untilSynced();
  await fake.accounts.untilGiven(2);
  expect(followed.state?.freshness).toBe('synced');
});

it('a token that the server refuses is no reason to forget what is known (registries/N45)', async () => {
  const fake = await aNacos();
  const followed = follow(fake);
  await followed.untilSynced();
  fake.accounts.expireAll();
  await followed.until(() => followed.state?.freshness === 'stale');
  expect(followed.endpoints('orders.default-group.public.nacos')).toEqual(['10.0.0.1:80']);
  expect(followed.state?.reason).toContain('403');
});

it('the password that every Nacos comes with is not used (reliability/S31)', async () => {
  const fake = await aNacos({ account: { username: 'nacos', password: 'nacos' } });
  const followed = follow(fake, { username: 'nacos', password: 'nacos' });
  await followed.until(() => followed.state?.reason?.includes('change it') === true);
  expect(fake.accounts.tried).toEqual([]);
});

it('an access key signs each request for what it is about (registries/N25)', () => {
  const credentials = accessKeyCredentials({ id: 'key', secret: 'secret' }, () => 1_700_000_000_000);
  const signed = (text: string) => createHmac('sha1', 'secret').update(text).digest('base64');
  expect(credentials.headers({ kind: 'none' })).toEqual({
    ak: 'key',
    data: '1700000000000',
    signature: signed('1700000000000'),
  });
  const data = '1700000000000@@G@@orders';
  const headers = credentials.headers({ kind: 'service', group: 'G', service: 'orders' });
  expect(headers).toEqual({ ak: 'key', data, signature: signed(data) });
  expect(credentials.headers({ kind: 'config', tenant: 'dev', group: 'G' })).toMatchObject({
    'Spas-AccessKey': 'key',
    'Spas-Signature': signed('dev+G+1700000000000'),
  });
});
