import type { z } from 'zod';
import { policyTarget, workloadSelector } from './authorization-policy.ts';
import { duration, flag, list, message, text } from './fields.ts';

const rule = message(
  {
    issuer: text.describe('As it stands in the claim iss.'),
    audiences: list(text).describe('Of which the claim aud has to hold one; none: any.'),
    jwksUri: text.describe('Address of the public keys.'),
    jwks: text.describe('The public keys themselves, as a JSON Web Key Set.'),
    fromHeaders: list(message({ name: text, prefix: text }, ['name'])),
    fromParams: list(text),
    fromCookies: list(text),
    outputPayloadToHeader: text,
    forwardOriginalToken: flag,
    outputClaimToHeaders: list(message({ header: text, claim: text }, ['header', 'claim'])),
    timeout: duration,
    spaceDelimitedClaims: list(text),
  },
  ['issuer'],
);

/** `security.istio.io` RequestAuthentication, versions v1 and v1beta1 alike. */
export const requestAuthenticationSchema = message({
  selector: workloadSelector.describe(
    'The workloads that it is for; without it all of the namespace, or of the mesh in the root namespace.',
  ),
  targetRef: policyTarget,
  targetRefs: list(policyTarget),
  jwtRules: list(rule).describe('The tokens that are taken, by issuer.'),
});

export type RequestAuthenticationSpec = z.infer<typeof requestAuthenticationSchema>;
export type TokenRuleSpec = z.infer<typeof rule>;
