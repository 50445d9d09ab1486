import type { z } from 'zod';
import { largestObject } from '../limits.ts';
import { list, map, message, text, uint32, words } from './fields.ts';
import { workloadEntrySchema } from './workload-entry.ts';

const port = message({ number: uint32, name: text, protocol: text, targetPort: uint32 }, ['number', 'name']);

/** `networking.istio.io` ServiceEntry, versions v1, v1beta1 and v1alpha3 alike. */
export const serviceEntrySchema = message(
  {
    hosts: list(text, largestObject.hosts).describe(
      'Names of the service, as they stand: one without a dot is not completed.',
    ),
    addresses: list(text, largestObject.addresses).describe('Virtual addresses, single or as CIDR.'),
    ports: list(port, largestObject.ports).describe('Ports of the service.'),
    location: words('MESH_EXTERNAL', 'MESH_INTERNAL').describe(
      'Whether the service belongs to the mesh. Default: MESH_EXTERNAL.',
    ),
    resolution: words('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS').describe(
      'Where endpoints come from. Default: NONE, where the client dialled.',
    ),
    endpoints: list(workloadEntrySchema, largestObject.endpoints).describe('Who answers.'),
    workloadSelector: message({ labels: map(text) }),
    exportTo: list(text).describe('Namespaces that see the object: names, . for its own, * for all.'),
    subjectAltNames: list(text).describe('Names that the certificates of the servers may carry.'),
  },
  ['hosts'],
);

export type ServiceEntrySpec = z.infer<typeof serviceEntrySchema>;
export type ServiceEntryPortSpec = z.infer<typeof port>;
