import type { NacosRig } from '../../cluster/contract/nacos-contract.ts';
import { FakeNacos, type FakeNacosOptions } from './fake-nacos.ts';

/** The played server under the contract of Nacos servers. */
export function fakeNacosRig(options: FakeNacosOptions): NacosRig {
  const { version, account } = options;
  return {
    name: `a fake of ${version}`,
    fuzzyWatch: version === '3.1',
    async start() {
      const fake = await FakeNacos.start(options);
      const { http, grpc } = fake.ports;
      return {
        ...{ account, grpcAddress: `127.0.0.1:${grpc}`, httpUrl: `http://127.0.0.1:${http}/nacos` },
        stop: () => fake.stop(),
      };
    },
  };
}
