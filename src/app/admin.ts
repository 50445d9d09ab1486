import type { AdminRequest } from '../admin/door.ts';
import { listenAdmin, type AdminServer, type AdminViews } from '../admin/server.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { askerOf, type Asker } from '../xds/authorization.ts';
import { adminTokenCheck } from './admin-token.ts';
import type { Callers } from './callers.ts';
import { makeOperatorToken, type OperatorToken } from './operator-token.ts';
import type { Settings } from './settings.ts';

/** The admin server with those who may look: whoever runs Weir, and workloads at what is of their namespace. */

export interface AdminOptions {
  readonly settings: Pick<Settings, 'admin' | 'adminTokenFile'>;
  readonly views: AdminViews;
  readonly callers: Callers;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** @throws AdminListenError */
export async function serveAdmin({ settings, views, callers, metrics, log }: AdminOptions): Promise<AdminServer> {
  let operator: OperatorToken | undefined;
  const isAdminToken = adminTokenCheck(settings.adminTokenFile, log);
  const isOperator = async (token: string | undefined): Promise<boolean> =>
    token !== undefined && (operator?.matches(token) === true || (await isAdminToken(`Bearer ${token}`)));
  const askedBy = async (token: string | undefined, address: string): Promise<Asker> => {
    if (token === undefined) return { kind: 'nobody' };
    if (await isOperator(token)) return { kind: 'operator' };
    const verdict = await callers({ address, token, clusterId: '', certificate: undefined });
    return askerOf(verdict.kind === 'caller' ? verdict.caller : undefined);
  };
  const door = {
    isOperator,
    askerOf: askedBy,
    asked: (request: AdminRequest) => audit(request, metrics, log),
    now: () => performance.now(),
  };
  const server = await listenAdmin(settings.admin, views, door, (error) =>
    log.error('an admin view failed', { error }),
  );
  try {
    operator = await makeOperatorToken(server.port);
  } catch (error) {
    log.warn('weir status cannot be used on this machine: its token cannot be kept', { error });
  }
  return {
    port: server.port,
    close: async () => {
      await Promise.all([server.close(), operator?.close()]);
    },
  };
}

function audit({ path, address, asker, identity, result }: AdminRequest, metrics: Metrics, log: Log): void {
  metrics.adminRequests.inc({ page: path, result });
  const fields = { page: path, address, asker, ...(identity === '' ? {} : { identity }), result };
  if (result === 'shown') log.info('audit: an admin page was read', fields);
  else log.warn('audit: an admin page was refused', fields);
}
