import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ConnectionEnd, ConnectionObserver } from '../xds/transport/protocol.ts';

const causes: readonly ConnectionEnd[] = ['age', 'keepalive', 'stall', 'protocol'];

/** Counts connections, and writes down what somebody may ask about later. */
export function connectionMetrics(metrics: Metrics, log: Log): ConnectionObserver {
  // An alert on an increase does not see a series that begins with 1.
  for (const cause of causes) metrics.endedConnections.inc({ cause }, 0);
  return {
    opened: () => metrics.openConnections.inc(),
    closed: () => metrics.openConnections.dec(),
    ended: (cause, address, reason) => {
      metrics.endedConnections.inc({ cause });
      if (cause === 'age') log.debug('a connection was ended because of its age', { address });
      else log.warn('a connection was ended', { address, cause, reason });
    },
    handshakeFailed: (address, reason) => {
      metrics.failedHandshakes.inc();
      log.info('a TLS handshake failed', { address, reason });
    },
  };
}
