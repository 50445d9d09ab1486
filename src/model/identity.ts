/** Who a workload is, to others and to the control plane: the account that it runs under. */
export interface WorkloadIdentity {
  /** For example `cluster.local`. */
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** What an identity is called in certificates and policies (istio-compat I31): `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`. */
export function spiffeId({ trustDomain, namespace, serviceAccount }: WorkloadIdentity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

const form = /^spiffe:\/\/([a-z0-9._-]{1,255})\/ns\/([^/?#%\s]+)\/sa\/([^/?#%\s]+)$/;

/** @returns undefined: the text is none, or one that names no namespace and account */
export function parseSpiffeId(text: string): WorkloadIdentity | undefined {
  const [, trustDomain, namespace, serviceAccount] = form.exec(text) ?? [];
  if (trustDomain === undefined || namespace === undefined || serviceAccount === undefined) return undefined;
  return { trustDomain, namespace, serviceAccount };
}

/**
 * Where a proxy gets its certificate and key from: `stream`: Weir, on its stream; `agent`: an Istio agent beside it, which has Weir sign them;
 * `none`: nobody knows who it is, so there is none for it.
 */
export type SecretOrigin = 'stream' | 'agent' | 'none';
