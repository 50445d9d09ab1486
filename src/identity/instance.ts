import * as asn1js from 'asn1js';
import { Certificate, type Extension } from 'pkijs';

/**
 * Which of the workloads with one identity a certificate was made for (reliability S54). It stands in a private extension that is not
 * critical: peers pass over it, and every replica of the control plane finds it again.
 */

/**
 * Of Weir alone: a UUID below the arc that is meant for such numbers. The usual arc 2.25 has the UUID as one number of 128 bits, and a
 * certificate with a number beyond 31 bits is no certificate to programs in Go, Istio's agent among them.
 */
export const instanceExtension = '1.2.840.113556.1.8000.2554.51817.28455.9170.17713.44862.9071325.1420937';

/** The longest name of a machine, and more than a uid. */
export const longestInstance = 253;

export function encodeInstance(instance: string): ArrayBuffer {
  return new asn1js.Utf8String({ value: instance }).toBER();
}

/**
 * @param certificate DER of a certificate that has been verified
 * @returns undefined: it names none
 */
export function readInstance(certificate: Uint8Array): string | undefined {
  const { extensions = [] } = Certificate.fromBER(Uint8Array.from(certificate));
  return extensions.map(instanceIn).find((instance) => instance !== undefined);
}

function instanceIn({ extnID, extnValue }: Extension): string | undefined {
  if (extnID !== instanceExtension) return undefined;
  const { result } = asn1js.fromBER(extnValue.valueBlock.valueHexView);
  return result instanceof asn1js.Utf8String ? result.valueBlock.value : undefined;
}
