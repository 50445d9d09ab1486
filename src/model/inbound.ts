import type { Protocol } from './protocol.ts';
import type { ObjectReference } from './provenance.ts';
import type { ConnectionPool } from './traffic-policy.ts';

/** One port of a workload that a service sends traffic to: what its proxy accepts connections for. */
export interface InboundPort {
  /** Port on the workload. */
  readonly port: number;
  readonly protocol: Protocol;
  /** Host name and port of the service that the port belongs to (the oldest, when several share it). */
  readonly hostname: string;
  readonly servicePort: number;
  readonly connectionPool: ConnectionPool | undefined;
  readonly declaredBy: ObjectReference;
}
