import type { Engine } from '../incremental/engine.ts';
import { authorizationFor } from '../policy/authorization.ts';
import { judge } from '../policy/authorization-check.ts';
import { meshSettings } from '../policy/mesh.ts';
import { readCall, type AskedCall } from './authz-call.ts';
import { targetsOf } from './authz-target.ts';
import type { Verdict } from './authz-text.ts';

/**
 * What each workload that a name stands for says to a call.
 *
 * @throws CommandError for wrong arguments, and when there is no such workload
 */
export function verdicts(engine: Engine, to: string, asked: AskedCall): readonly Verdict[] {
  const { url, call, request } = readCall(asked, engine.read(meshSettings, 'mesh'));
  return targetsOf(engine, to, portOf(url)).map(({ workload, port, carriesRequests }) => {
    const isConnection = !carriesRequests || url.protocol === 'tcp:';
    const judgement = judge(authorizationFor(engine.read, workload.namespace, workload.labels), {
      ...call,
      destinationAddress: workload.addresses[0],
      port,
      request: isConnection ? undefined : request,
    });
    return { workload: `${workload.namespace}/${workload.name}`, port, judgement };
  });
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
