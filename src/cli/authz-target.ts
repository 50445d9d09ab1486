import type { Engine } from '../incremental/engine.ts';
import type { Service } from '../model/service.ts';
import { isHttp } from '../model/protocol.ts';
import { services, workloads } from '../model/tables.ts';
import type { Workload } from '../model/workload.ts';
import { selects } from '../policy/label-match.ts';
import { targetPorts } from '../policy/selected-endpoints.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** A workload that is called, at one of its ports. */
export interface Target {
  readonly workload: Workload;
  readonly port: number;
  /** Whether its proxy looks into requests there. */
  readonly carriesRequests: boolean;
}

/**
 * The workloads that a name stands for: the one of that name, or those behind the service of that name.
 *
 * @param to `NAMESPACE/NAME`
 * @param servicePort that is called
 * @throws CommandError when there is no such workload
 */
export function targetsOf(engine: Engine, to: string, servicePort: number): readonly Target[] {
  const [namespace = '', name = '', ...rest] = to.split('/');
  if (namespace === '' || name === '' || rest.length > 0) {
    throw new CommandError(exitCodes.usage, `${to} is no workload: write NAMESPACE/NAME of a workload or a service`);
  }
  const near = [...engine.rows(services)].filter((service) => service.namespace === namespace);
  const all = [...engine.rows(workloads)].filter((workload) => workload.namespace === namespace);
  const itself = all.filter((workload) => workload.name === name);
  const service = near.find((each) => each.name === name);
  const called = itself.length > 0 ? itself : all.filter((workload) => stands(service, workload));
  if (called.length === 0) {
    const problem = `there is no workload and no service with workloads ${to}`;
    throw new CommandError(exitCodes.failure, `${problem}: the files have to hold its Pod`);
  }
  return called.map((workload) => {
    const own = (service === undefined ? near : [service]).filter((each) => stands(each, workload));
    return { workload, ...portOf(own, workload, servicePort) };
  });
}

function stands(service: Service | undefined, { labels }: Workload): boolean {
  return service?.selector !== undefined && selects(service.selector, labels);
}

function portOf(own: readonly Service[], { namedPorts }: Workload, servicePort: number): Omit<Target, 'workload'> {
  for (const service of own) {
    const port = service.ports.find(({ number }) => number === servicePort);
    const target = port && targetPorts(service, (name) => namedPorts[name])[port.name];
    if (port !== undefined && target !== undefined) {
      return { port: target, carriesRequests: isHttp(port.protocol) || port.protocol === 'auto' };
    }
  }
  // No service has it: the workload's own port is meant, where what is spoken is found out.
  return { port: servicePort, carriesRequests: true };
}
