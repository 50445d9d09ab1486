import type { WorkloadAuthorization } from '../../src/policy/authorization.ts';
import type { InboundSecurity } from '../../src/xds/translate/filters/http-filter.ts';

/** Nobody is kept out. */
const noAuthorization: WorkloadAuthorization = {
  consultations: [],
  deny: [],
  allow: [],
  audit: [],
  sources: [],
};
export const noSecurity: InboundSecurity = { authorization: noAuthorization, tokens: [] };
