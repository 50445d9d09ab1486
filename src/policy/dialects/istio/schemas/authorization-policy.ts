import type { z } from 'zod';
import { list, map, message, text, words } from './fields.ts';

const values = list(text);

const source = message({
  principals: values.describe('Identities of certificates: TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT.'),
  notPrincipals: values,
  requestPrincipals: values.describe('Identities of tokens: ISSUER/SUBJECT.'),
  notRequestPrincipals: values,
  namespaces: values,
  notNamespaces: values,
  serviceAccounts: values.describe('NAMESPACE/ACCOUNT, or ACCOUNT of the namespace of the object.'),
  notServiceAccounts: values,
  trustDomains: values,
  notTrustDomains: values,
  ipBlocks: values.describe('Addresses of who opens the connection.'),
  notIpBlocks: values,
  remoteIpBlocks: values.describe('Addresses of the client, by X-Forwarded-For where that is trusted.'),
  notRemoteIpBlocks: values,
});

const operation = message({
  hosts: values.describe('As requests name them, in any case; a port in the request counts.'),
  notHosts: values,
  ports: values.describe('Ports of the workload.'),
  notPorts: values,
  methods: values,
  notMethods: values,
  paths: values.describe('Exact, /prefix*, */suffix, or a template with {*} for one segment and {**} for several.'),
  notPaths: values,
});

const condition = message({ key: text, values, notValues: values }, ['key']);

/** What a policy that is not for sidecars is attached to. */
export const policyTarget = message({ group: text, kind: text, name: text, namespace: text }, ['kind', 'name']);

export const workloadSelector = message({ matchLabels: map(text).describe('Labels that the workloads carry.') });

/** `security.istio.io` AuthorizationPolicy, versions v1 and v1beta1 alike. */
export const authorizationPolicySchema = message({
  selector: workloadSelector.describe(
    'The workloads that it protects; without it all of the namespace, or of the mesh in the root namespace.',
  ),
  targetRef: policyTarget,
  targetRefs: list(policyTarget),
  rules: list(message({ from: list(message({ source })), to: list(message({ operation })), when: list(condition) })),
  action: words('ALLOW', 'DENY', 'AUDIT', 'CUSTOM').describe('What happens to calls that a rule matches.'),
  provider: message({ name: text }).describe('Who is asked, with the action CUSTOM.'),
});

export type AuthorizationPolicySpec = z.infer<typeof authorizationPolicySchema>;
export type SourceSpec = z.infer<typeof source>;
export type OperationSpec = z.infer<typeof operation>;
export type WhenSpec = z.infer<typeof condition>;
