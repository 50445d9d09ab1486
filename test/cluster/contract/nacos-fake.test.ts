import { FakeNacos, type FakeNacosOptions } from '../../support/fake-nacos/fake-nacos.ts';
import { describeNacosContract, describeNacosLoginContract, type NacosRig } from './nacos-contract.ts';

/** The Nacos that is played does what real ones do. */

function fakeRig(version: FakeNacosOptions['version'], account?: FakeNacosOptions['account']): NacosRig {
  return {
    name: `a fake of ${version}`,
    fuzzyWatch: version === '3.1',
    async start() {
      const fake = await FakeNacos.start({ version, ...(account === undefined ? {} : { account }) });
      const { http, grpc } = fake.ports;
      return {
        grpcAddress: `127.0.0.1:${grpc}`,
        httpUrl: `http://127.0.0.1:${http}/nacos`,
        account,
        stop: () => fake.stop(),
      };
    },
  };
}

for (const version of ['2.5', '3.1'] as const) {
  describeNacosContract(fakeRig(version));
  describeNacosLoginContract(fakeRig(version, { username: 'weir', password: 'a-good-one' }));
}
