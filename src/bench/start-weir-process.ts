import { Remote, type RemoteOptions } from './remote.ts';
import type { WeirHandlers } from './weir-process.ts';

/** Node's arguments in `bin/weir`: what is measured is what runs. */
const launched = ['--max-semi-space-size=2'];

/** The process of a Weir under test, as the launcher would start it. Further arguments win over the launcher's. */
export function startWeirProcess({ environment, nodeArguments = [] }: RemoteOptions): Remote<WeirHandlers> {
  const module = new URL('weir-process', import.meta.url);
  return new Remote<WeirHandlers>(module, { environment, nodeArguments: [...launched, ...nodeArguments] });
}
