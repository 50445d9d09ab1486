import type { z } from 'zod';
import { map, message, text, words } from './fields.ts';

const mutualTls = message({
  mode: words('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT').describe(
    'STRICT: mutual TLS alone; PERMISSIVE: with it and without; DISABLE: without; UNSET: what holds around it.',
  ),
});

/** `security.istio.io` PeerAuthentication, versions v1 and v1beta1 alike. */
export const peerAuthenticationSchema = message({
  selector: message({ matchLabels: map(text).describe('Labels that the workloads carry.') }).describe(
    'The workloads that it is for; without it all of the namespace, or of the mesh in the root namespace.',
  ),
  mtls: mutualTls.describe('What the workloads take.'),
  portLevelMtls: map(mutualTls).describe('The same for single ports of the workloads, by number. Needs a selector.'),
});

export type PeerAuthenticationSpec = z.infer<typeof peerAuthenticationSchema>;
