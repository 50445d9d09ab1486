import type { z } from 'zod';
import { map, message, text, uint32 } from './fields.ts';

/** `networking.istio.io` WorkloadEntry, versions v1, v1beta1 and v1alpha3 alike; also an endpoint of a ServiceEntry. */
export const workloadEntrySchema = message({
  address: text,
  ports: map(uint32),
  labels: map(text),
  network: text,
  locality: text,
  weight: uint32,
  serviceAccount: text,
});

export type WorkloadEntrySpec = z.infer<typeof workloadEntrySchema>;
