import type { NacosRig } from '../../cluster/contract/nacos-contract.ts';
import { Nacos, type NacosOptions } from './nacos-server.ts';

/** The real server under the contract of Nacos servers. */
export function realNacosRig(options: NacosOptions): NacosRig {
  return {
    name: 'a real Nacos 2.5',
    fuzzyWatch: false,
    async start() {
      const nacos = await Nacos.start(options);
      const { account, node } = nacos;
      return {
        ...{ account, grpcAddress: node.grpcAddress, httpUrl: `http://${node.address}/nacos` },
        stop: () => nacos.stop(),
      };
    },
  };
}
