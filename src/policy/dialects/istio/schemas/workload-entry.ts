import type { z } from 'zod';
import { map, message, text, uint32 } from './fields.ts';

/** `networking.istio.io` WorkloadEntry, versions v1, v1beta1 and v1alpha3 alike; also an endpoint of a ServiceEntry. */
export const workloadEntrySchema = message({
  address: text.describe('IP address, host name, or unix:// and a path.'),
  ports: map(uint32).describe('Ports by the names of the service; one that is not named here is that of the service.'),
  labels: map(text).describe('By which services select it.'),
  network: text.describe('Name of the network that the address is of.'),
  locality: text.describe('region/zone/subzone'),
  weight: uint32.describe('Share of requests, beside those of the other endpoints.'),
  serviceAccount: text.describe('Whose certificate it has.'),
});

export type WorkloadEntrySpec = z.infer<typeof workloadEntrySchema>;
