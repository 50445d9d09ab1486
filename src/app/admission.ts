import type { Admit } from '../discovery/registry.ts';
import { decodeConfig } from '../policy/dialects/istio/decode.ts';

/**
 * The gate that every source asks before an object becomes a row: behind it every object decodes (decision 2), or is one for which something
 * stands in that denies: left out, it would let in whom it may have been meant to keep out.
 */
export const admit: Admit = (object) => {
  const decoded = decodeConfig(object);
  return decoded.kind === 'invalid' && decoded.standIn === undefined ? decoded.violations : [];
};

/** The gate of those who can still be told: whoever is about to apply an object. */
export const admitReadable: Admit = (object) => {
  const decoded = decodeConfig(object);
  return decoded.kind === 'invalid' ? decoded.violations : [];
};
