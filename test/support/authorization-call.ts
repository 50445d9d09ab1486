import type { WorkloadIdentity } from '../../src/model/identity.ts';
import type { Call } from '../../src/policy/authorization-match.ts';
import { ownHost, type ACall, type Case } from './authorization-cases.ts';

/** A call of the table as policies see it: behind a proxy that has made its path plain. */
export function callOf(call: ACall, { protocol }: Case): Call {
  const { as, method = 'GET', path = '/', host = ownHost, headers = {}, claims } = call;
  const plain = new URL(`http://x${path.replaceAll('%61', 'a')}`).pathname;
  return {
    identity: as === undefined ? undefined : identityOf(as),
    peerAddress: '127.0.0.1',
    clientAddress: '127.0.0.1',
    destinationAddress: '127.0.0.1',
    port: 8080,
    serverName: undefined,
    request: protocol === 'tcp' ? undefined : { method, host, path: plain, headers },
    claims,
  };
}

/** @param text `namespace/account` or `trust-domain/namespace/account` */
export function identityOf(text: string): WorkloadIdentity {
  const [serviceAccount = '', namespace = '', trustDomain = 'cluster.local'] = text.split('/').toReversed();
  return { trustDomain, namespace, serviceAccount };
}
