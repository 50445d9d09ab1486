import type { z } from 'zod';
import { largestObject } from '../limits.ts';
import { list, map, message, text, uint32, words } from './fields.ts';
import { workloadEntrySchema } from './workload-entry.ts';

const port = message({ number: uint32, name: text, protocol: text, targetPort: uint32 }, ['number', 'name']);

/** `networking.istio.io` ServiceEntry, versions v1, v1beta1 and v1alpha3 alike. */
export const serviceEntrySchema = message(
  {
    hosts: list(text, largestObject.hosts),
    addresses: list(text, largestObject.addresses),
    ports: list(port, largestObject.ports),
    location: words('MESH_EXTERNAL', 'MESH_INTERNAL'),
    resolution: words('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
    endpoints: list(workloadEntrySchema, largestObject.endpoints),
    workloadSelector: message({ labels: map(text) }),
    exportTo: list(text),
    subjectAltNames: list(text),
  },
  ['hosts'],
);

export type ServiceEntrySpec = z.infer<typeof serviceEntrySchema>;
export type ServiceEntryPortSpec = z.infer<typeof port>;
