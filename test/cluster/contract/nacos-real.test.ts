import { describe } from 'vitest';
import { nacosForTests } from '../../support/nacos/programs.ts';
import { realNacosRig } from '../../support/nacos/real-nacos-rig.ts';
import { describeNacosContract, describeNacosLoginContract } from './nacos-contract.ts';

const programs = await nacosForTests();

describe.skipIf(programs === undefined)('the contract of Nacos servers', () => {
  if (programs === undefined) return;
  describeNacosContract(realNacosRig({ programs }));
  describeNacosLoginContract(realNacosRig({ programs, auth: true }));
});
