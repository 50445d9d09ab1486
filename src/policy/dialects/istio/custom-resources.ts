import type { CustomResource, PrinterColumn } from '../definitions/custom-resource.ts';
import { authorizationPolicySchema } from './schemas/authorization-policy.ts';
import { destinationRuleSchema } from './schemas/destination-rule.ts';
import { peerAuthenticationSchema } from './schemas/peer-authentication.ts';
import { requestAuthenticationSchema } from './schemas/request-authentication.ts';
import { serviceEntrySchema } from './schemas/service-entry.ts';
import { virtualServiceSchema } from './schemas/virtual-service.ts';
import { workloadEntrySchema } from './schemas/workload-entry.ts';

/** The kinds of Istio's API that Weir reads, under the names by which people know them. */

const networking = {
  group: 'networking.istio.io',
  categories: ['istio-io', 'networking-istio-io'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
} as const;

const security = {
  group: 'security.istio.io',
  categories: ['istio-io', 'security-istio-io'],
  versions: ['v1', 'v1beta1'],
} as const;

export const istioCustomResources: readonly CustomResource[] = [
  {
    ...networking,
    kind: 'DestinationRule',
    plural: 'destinationrules',
    singular: 'destinationrule',
    shortNames: ['dr'],
    description: 'How a service is called: its subsets, load balancing, connection limits, outlier detection and TLS.',
    spec: destinationRuleSchema,
    columns: [column('Host', 'The service that it is for.', '.spec.host')],
  },
  {
    ...networking,
    kind: 'ServiceEntry',
    plural: 'serviceentries',
    singular: 'serviceentry',
    shortNames: ['se'],
    description: 'A service that no registry knows: its hosts, addresses, ports and endpoints.',
    spec: serviceEntrySchema,
    columns: [
      column('Hosts', 'The names of the service.', '.spec.hosts'),
      column('Location', 'Whether it belongs to the mesh.', '.spec.location'),
      column('Resolution', 'Where its endpoints come from.', '.spec.resolution'),
    ],
  },
  {
    ...networking,
    kind: 'VirtualService',
    plural: 'virtualservices',
    singular: 'virtualservice',
    shortNames: ['vs'],
    description: 'Where requests to a host go, and what happens to them on the way.',
    spec: virtualServiceSchema,
    columns: [
      column('Gateways', 'Where the routes hold; nothing: in all sidecars.', '.spec.gateways'),
      column('Hosts', 'The hosts whose requests are routed.', '.spec.hosts'),
    ],
  },
  {
    ...networking,
    kind: 'WorkloadEntry',
    plural: 'workloadentries',
    singular: 'workloadentry',
    shortNames: ['we'],
    description: 'A machine outside the cluster that services of the mesh run on.',
    spec: workloadEntrySchema,
    columns: [column('Address', 'Address of the machine.', '.spec.address')],
  },
  {
    ...security,
    kind: 'AuthorizationPolicy',
    plural: 'authorizationpolicies',
    singular: 'authorizationpolicy',
    shortNames: ['ap'],
    description: 'Who may call workloads, and how.',
    spec: authorizationPolicySchema,
    columns: [column('Action', 'What happens to calls that a rule matches.', '.spec.action')],
  },
  {
    ...security,
    kind: 'PeerAuthentication',
    plural: 'peerauthentications',
    singular: 'peerauthentication',
    shortNames: ['pa'],
    description: 'Whether workloads take connections with mutual TLS only, also without, or never.',
    spec: peerAuthenticationSchema,
    columns: [column('Mode', 'What is taken.', '.spec.mtls.mode')],
  },
  {
    ...security,
    kind: 'RequestAuthentication',
    plural: 'requestauthentications',
    singular: 'requestauthentication',
    shortNames: ['ra'],
    description: 'Which tokens callers of workloads may show.',
    spec: requestAuthenticationSchema,
    columns: [column('Issuers', 'Whose tokens are taken.', '.spec.jwtRules[*].issuer')],
  },
];

function column(name: string, description: string, jsonPath: string): PrinterColumn {
  return { name, type: 'string', description, jsonPath };
}
