import type { Read } from '../incremental/definitions.ts';
import type { Destination } from '../model/routing.ts';
import { onlyPort, serviceForHost, serviceForHostKey } from './services.ts';

/**
 * A destination with its port filled in. One that names no port takes the only port of its service, else the listener's: Istio's
 * sidecars take the listener's at once, which answers 503 wherever the service has another port (policy P601, G9). Where the two
 * readings differ, a finding says so.
 *
 * @param namespace of the client
 */
export function withPort(read: Read, destination: Destination, namespace: string, listenerPort: number): Destination {
  if (destination.port !== undefined) return destination;
  const service = read(serviceForHost, serviceForHostKey(namespace, destination.host));
  const only = service === undefined ? undefined : read(onlyPort, service);
  return { ...destination, port: only ?? listenerPort };
}
