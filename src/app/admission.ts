import type { Admit } from '../discovery/registry.ts';
import { decodeConfig } from '../policy/dialects/istio/decode.ts';

/** The gate that every source asks before an object becomes a row: behind it every object decodes (decision 2). */
export const admit: Admit = (object) => {
  const decoded = decodeConfig(object);
  return decoded.kind === 'invalid' ? decoded.violations : [];
};
