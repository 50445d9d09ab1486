import { credentials as channels } from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import { FakeNacos } from '../../../../test/support/fake-nacos/fake-nacos.ts';
import { realTimedClock } from '../../../../test/support/timed-clocks.ts';
import { silentLog } from '../../../observe/log.ts';
import { changedConfig, listenToConfigs, readConfig, type ConfigName } from './configs.ts';
import { NacosConnection } from './connection.ts';
import { noCredentials } from './credentials.ts';
import { defaultGrpcPortOffset } from './servers.ts';

const running: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0).toReversed()) await stop();
});

it('reads configs, and hears which have changed (registries/N22)', async () => {
  const fake = await FakeNacos.start({ version: '2.5' });
  running.push(() => fake.stop());
  const heard = Promise.withResolvers<ConfigName | undefined>();
  const connection = await NacosConnection.open(
    {
      server: fake.server,
      grpcPortOffset: defaultGrpcPortOffset,
      channel: channels.createInsecure(),
      credentials: noCredentials,
      tenant: '',
      version: '0',
      clock: realTimedClock,
      log: silentLog,
      pushed: (type, message) =>
        heard.resolve(type === 'ConfigChangeNotifyRequest' ? changedConfig(message) : undefined),
    },
    new AbortController().signal,
  );
  running.push(() => {
    connection.close();
    return Promise.resolve();
  });
  const name = { dataId: 'com.acme.Orders', group: 'mapping' };
  expect(await readConfig(connection, '', name)).toEqual({ name, content: undefined });
  expect(await listenToConfigs(connection, '', [{ ...name, md5: '' }])).toEqual([]);
  fake.configs.publish(name.dataId, name.group, 'order-app');
  expect(await heard.promise).toEqual(name);
  expect(await readConfig(connection, '', name)).toEqual({ name, content: 'order-app' });
  // What differs already is told at once.
  expect(await listenToConfigs(connection, '', [{ ...name, md5: '' }])).toEqual([name]);
});
