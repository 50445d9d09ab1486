import { fakeNacosRig } from '../../support/fake-nacos/fake-nacos-rig.ts';
import { describeNacosContract, describeNacosLoginContract } from './nacos-contract.ts';

/** The Nacos that is played does what real ones do. */
for (const version of ['2.5', '3.1'] as const) {
  describeNacosContract(fakeNacosRig({ version }));
  describeNacosLoginContract(fakeNacosRig({ version, account: { username: 'weir', password: 'a-good-one' } }));
}
