import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import type { WorkloadIdentity } from '../model/identity.ts';
import type { Proxy } from '../model/proxy.ts';
import { workloads } from '../model/tables.ts';
import type { Workload } from '../model/workload.ts';
import { inNamespace } from './config-indexes.ts';
import { workloadsByName } from './registry-indexes.ts';

/** Whether a proxy is what it says: what its node says against what its credential proves (istio-compat I33, reliability S53). */
export type ProxyFit =
  | { readonly kind: 'fits' }
  /** It is not. */
  | { readonly kind: 'differs'; readonly reason: string }
  /** No registry knows the pod: it is gone, or not known yet. */
  | { readonly kind: 'unknown'; readonly reason: string };

const fits: ProxyFit = { kind: 'fits' };
const uid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

/** What is compared. */
export interface Claim {
  readonly proxy: Pick<Proxy, 'namespace' | 'serviceAccount' | 'workloadName' | 'addresses'>;
  readonly proven: ProvenIdentity;
}

/** Who a proxy has proved to be. */
export interface ProvenIdentity {
  readonly identity: WorkloadIdentity;
  /** Which of those with this identity (reliability S54): the uid of a pod, the name of a machine; undefined: not proved. */
  readonly instance: string | undefined;
  /** It can only be a pod: its credential comes from an API server. */
  readonly isPod: boolean;
}

/** The key of a claim: nothing of a proxy has to stand in a table before it is known who it is (istio-compat I247). */
export function claimKey({ proxy, proven }: Claim): string {
  const { namespace, serviceAccount, workloadName, addresses } = proxy;
  const claim: Claim = { proxy: { namespace, serviceAccount, workloadName, addresses }, proven };
  return JSON.stringify(claim);
}

/** The key is `claimKey`. */
export const fitOfClaim: Query<string, ProxyFit> = {
  name: 'fitOfClaim',
  compute: (read, key) => fitOf(read, JSON.parse(key) as Claim),
  equal: isDeepStrictEqual,
};

function fitOf(read: Read, { proxy, proven }: Claim): ProxyFit {
  const { namespace, serviceAccount } = proven.identity;
  if (proxy.namespace !== namespace) {
    return differs(`the node is of namespace ${proxy.namespace}, the credential of ${namespace}`);
  }
  if (proxy.serviceAccount !== '' && proxy.serviceAccount !== serviceAccount) {
    return differs(`the node is of service account ${proxy.serviceAccount}, the credential of ${serviceAccount}`);
  }
  return fitOfWorkload(read, proxy, proven);
}

/** A pod has a uid, by which it is told from others of its account and from one of its name that is gone. */
function fitOfWorkload(read: Read, proxy: Claim['proxy'], { identity, instance, isPod }: ProvenIdentity): ProxyFit {
  const name = `pod ${proxy.namespace}/${proxy.workloadName}`;
  const keys = read(workloadsByName, inNamespace(proxy.namespace, proxy.workloadName));
  const pods = keys.map((key) => read(workloads, key)).filter((workload) => workload?.uid !== undefined);
  if (isPod && instance === undefined) return differs('the credential is bound to no pod');
  const isMachine = !isPod && instance !== undefined && !uid.test(instance);
  if (isMachine && instance !== proxy.workloadName) {
    return differs(`the node is of workload ${proxy.workloadName}, the credential of machine ${instance}`);
  }
  if (pods.length === 0) {
    return isPod || uid.test(instance ?? '') ? { kind: 'unknown', reason: `${name} is not known` } : fits;
  }
  const pod = pods.find((each) => instance === undefined || each?.uid === instance);
  if (pod === undefined) return differs(`the credential is not of ${name}`);
  if (pod.serviceAccount !== identity.serviceAccount) {
    return differs(`${name} runs under ${pod.serviceAccount}, the credential is of ${identity.serviceAccount}`);
  }
  const foreign = addressesBeyond(proxy, pod);
  return foreign.length === 0 ? fits : differs(`${foreign.join(', ')} is no address of ${name}`);
}

/** A pod on the network of its machine has no addresses of its own, and one that has just started may not have them yet. */
function addressesBeyond({ addresses }: Claim['proxy'], pod: Workload): readonly string[] {
  return pod.addresses.length === 0 ? [] : addresses.filter((address) => !pod.addresses.includes(address));
}

function differs(reason: string): ProxyFit {
  return { kind: 'differs', reason };
}
