import type { ViolationCode } from './violation-codes.ts';

/**
 * What can be wrong between configuration objects that are each right by themselves, in addition to `violationCodes`. Istio's own
 * codes are reused where the meaning is equal (policy P443). `docs/errors.md` explains each.
 */
export const findingCodes = {
  IST0101: {
    title: 'Referenced host not found',
    meaning: 'A destination or a rule names a host that no service in sight has',
    remedy:
      'Correct the host; only a name without any dot is completed, with the namespace of the object that holds it',
  },
  IST0103: {
    title: 'Pod without sidecar',
    meaning:
      'The namespace of a pod has sidecars, and the pod has none: it was there before the label, or while no webhook answered',
    remedy: 'Create the pod again; or say by the label weir.dev/inject=false that it is to have none',
  },
  IST0109: {
    title: 'Several VirtualServices for one host',
    meaning: 'Two VirtualServices for sidecars name the same host; only the first of them is in force for it',
    remedy: 'Put the rules for a host into one object',
  },
  IST0173: {
    title: 'Subset without endpoints',
    meaning: 'None of the endpoints of a service carries the labels of a subset',
    remedy: 'Correct the labels of the subset, or of the workloads',
  },
  WEIR1401: {
    title: 'Hides a wildcard VirtualService',
    meaning: 'A VirtualService for one host takes the host out of another one for a wildcard, with all its rules',
    remedy: 'End the rules with a route without match, or repeat what shall hold',
  },
  WEIR1402: {
    title: 'Host without service',
    meaning: 'A VirtualService names a host that no service has; such a host can be called on port 80 only',
    remedy: 'Correct the host, or declare it by a ServiceEntry',
  },
  WEIR1403: {
    title: 'Subset not defined',
    meaning: 'A destination names a subset that the DestinationRule in force does not define',
    remedy: 'Define the subset in the rule that holds for the clients',
  },
  WEIR1404: {
    title: 'Destination port not served',
    meaning:
      'A destination names a port that its service does not have, or none where the port of the caller does not fit',
    remedy: 'Set destination.port.number to a port of the service',
  },
  WEIR1405: {
    title: 'Older rule for the same host',
    meaning: 'Two DestinationRules of a namespace have the same host: of settings that both have the older one counts',
    remedy: 'Put everything for a host into one object',
  },
  WEIR1406: {
    title: "Hides the rule of the service's namespace",
    meaning:
      'A DestinationRule in the namespace of the clients replaces the one beside the service, with everything in it',
    remedy: 'Repeat what the clients shall keep, or remove the rule',
  },
  WEIR1407: {
    title: 'Service declared twice',
    meaning: 'A ServiceEntry names a host that a registry or an older ServiceEntry of the namespace already declares',
    remedy: 'Keep one of the two',
  },
  WEIR1408: {
    title: 'Protocols contradict each other',
    meaning: 'Two services send different protocols to one port of the same workloads; the older one counts',
    remedy: 'Declare the same protocol in both services',
  },
  WEIR1409: {
    title: 'Several mesh configurations',
    meaning: 'There are several MeshConfig objects; only the oldest is in force',
    remedy: 'Keep one mesh configuration',
  },
  WEIR1410: {
    title: 'Port taken by an older service',
    meaning:
      'Two services without addresses have a port of one number whose connections carry no name; the older one gets them all',
    remedy: 'Give the services addresses, or different port numbers',
  },
  WEIR1411: {
    title: 'Selector in the root namespace',
    meaning: 'A PeerAuthentication of the root namespace has a selector: it is in force for no workload',
    remedy: 'Write it into the namespace of the workloads, or remove the selector',
  },
  WEIR1412: {
    title: 'Older policy for the same workloads',
    meaning: 'Two PeerAuthentications of a namespace are for the same workloads; only the older one is in force',
    remedy: 'Keep one policy for each set of workloads',
  },
  WEIR1413: {
    title: 'Port of a service in place of the workload’s',
    meaning: 'A PeerAuthentication sets the mode of a port on which its workloads are not called, but a service is',
    remedy: 'Write the port of the workload (`targetPort`)',
  },
  WEIR1414: {
    title: 'Closed for want of a certificate',
    meaning:
      'A workload shall take mutual TLS alone, but its proxy has not shown who it is and has no certificate: the ports concerned are closed',
    remedy: 'Let the proxy show who it is, or use PERMISSIVE',
  },
  WEIR1415: {
    title: 'Plaintext to workloads that take mutual TLS alone',
    meaning: 'A DestinationRule has clients call in the clear what turns them away',
    remedy: 'Remove `tls` from the rule: without it clients do as each workload wants',
  },
  WEIR1416: {
    title: 'Mutual TLS to workloads without sidecar',
    meaning: 'A DestinationRule has clients call with ISTIO_MUTUAL what cannot answer that',
    remedy: 'Remove `tls` from the rule: without it clients do as each workload wants',
  },
  WEIR1421: {
    title: 'From and to in separate rules',
    meaning:
      'One rule of an AuthorizationPolicy says only who, another one only what: either is enough, both together are not asked for',
    remedy: 'Put from and to into one rule if both shall hold',
  },
  WEIR1422: {
    title: 'Fields of requests on a port without requests',
    meaning:
      'A policy looks at paths, methods, hosts, headers or tokens, and a port of its workloads carries plain connections: there, what it allows is not allowed, and what it denies is denied whatever these fields say',
    remedy: 'Declare the protocol of the port, or write rules for it that look at ports and callers only',
  },
  WEIR1423: {
    title: 'Identities where certificates are not asked for',
    meaning:
      'A policy looks at identities of callers, and its workloads also take connections without certificate: such a caller is nobody, is not let in by these rules, and is kept out by those that deny',
    remedy: 'Set the mode STRICT by a PeerAuthentication once all callers have a sidecar',
  },
  WEIR1424: {
    title: 'Allows nothing',
    meaning:
      'An AuthorizationPolicy with the action ALLOW has no rule: calls to its workloads that no other policy allows are denied',
    remedy: 'Add rules, or leave it if that is meant',
  },
  WEIR1425: {
    title: 'Tokens are not asked for',
    meaning:
      'A RequestAuthentication refuses wrong tokens, but no AuthorizationPolicy of its workloads asks for one: who shows none comes in',
    remedy: 'Add an AuthorizationPolicy that denies notRequestPrincipals: ["*"], or that allows requestPrincipals',
  },
  WEIR1426: {
    title: 'Provider not found',
    meaning:
      'A policy with the action CUSTOM names a provider that the mesh configuration does not have, or whose service is not there: calls that match are denied',
    remedy: 'Correct the name, or add the provider or its service',
  },
  WEIR1427: {
    title: 'Tokens are asked for and cannot be known',
    meaning:
      'An AuthorizationPolicy looks at tokens, but no RequestAuthentication of its workloads says which are taken',
    remedy: 'Add a RequestAuthentication for the same workloads',
  },
  WEIR1428: {
    title: 'Keys of tokens not known',
    meaning: 'The public keys of an issuer were never fetched: all its tokens are refused',
    remedy: 'See the log for why; correct jwksUri, or allow its host with --jwks-hosts',
  },
  IST0127: {
    title: 'No matching workloads',
    meaning: 'The selector of an object matches no workload',
    remedy: 'Correct the labels; nothing is wrong if the workloads are still to come',
  },
} as const satisfies Readonly<Record<string, ViolationCode>>;

/** A code that is in this catalogue. */
export type FindingCode = keyof typeof findingCodes;
