import type { Caller } from '../identity/caller.ts';
import type { CertificateAuthority, SignedCertificate, SigningRefusal } from '../identity/certificate-authority.ts';
import { spiffeId } from '../model/identity.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type * as envoy from './envoy.ts';
import { decode, encode } from './proto.ts';
import { spareBytes, type StatusName, type StreamTransport } from './transport/transport.ts';

/**
 * Istio's certificate signing service (istio-compat I45 to I54): an agent sends a request for a certificate, and gets one for who it is. What it
 * calls itself in the request decides nothing.
 */

/** `/package.Service/Method`. */
export const certificateServicePath = '/istio.v1.auth.IstioCertificateService/CreateCertificate';

export interface CertificateServiceOptions {
  readonly authority: CertificateAuthority;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'unknownRequesters'>;
}

/** Bytes; the request in it has 16 kB at most (reliability S64). */
const largestMessage = 64 * 1024;

/** How a call ends without a certificate. The caller hears the detail. */
interface Refusal {
  readonly status: StatusName;
  readonly detail: string;
}

/**
 * Answers one call.
 *
 * @param caller who has been authenticated before anything of the call is read (reliability S1)
 */
export function createCertificate(
  options: CertificateServiceOptions,
  transport: StreamTransport,
  caller: Caller,
): void {
  let isAsked = false;
  transport.onClose(({ kind }) => {
    if (kind === 'half-closed' && !isAsked) transport.close('INVALID_ARGUMENT', 'there was no request');
  });
  transport.onMessage((message) => {
    if (isAsked) return transport.close('INVALID_ARGUMENT', 'there was more than one request');
    isAsked = true;
    const request = readMessage(message);
    if ('status' in request) return transport.close(request.status, request.detail);
    answer(options, transport, caller, request).catch((error: unknown) => {
      options.log.error('a request for a certificate could not be answered: a bug', { error });
      transport.close('INTERNAL', 'the request could not be answered');
    });
  });
}

async function answer(
  { authority, log, metrics }: CertificateServiceOptions,
  transport: StreamTransport,
  { identity, instance }: Caller,
  request: envoy.IstioCertificateRequest,
): Promise<void> {
  const impersonated = metadataText(request, 'ImpersonatedIdentity');
  if (impersonated !== '') {
    // Only a proxy of a whole node would ask so, and none is trusted to (I52).
    log.warn('audit: a certificate was refused', { identity: spiffeId(identity), instance, impersonated });
    metrics.unknownRequesters.inc();
    return transport.close('UNAUTHENTICATED', 'there is no valid credential');
  }
  const signer = metadataText(request, 'CertSigner');
  if (signer !== '') return transport.close('INVALID_ARGUMENT', 'there is no CertSigner of that name; leave it empty');
  const { csr = '', validityDuration = 0 } = request;
  const signing = await authority.sign(
    { identity, instance },
    csr,
    validityDuration > 0 ? validityDuration : undefined,
  );
  if (signing.kind !== 'signed') {
    const { status, detail } = refusalOf(signing);
    return transport.close(status, detail);
  }
  const content = encode('istio.v1.auth.IstioCertificateResponse', {
    certChain: chainFor(signing.certificate, authority.trustBundle),
  });
  transport.send([new Uint8Array(spareBytes), content], content.length);
  transport.close('OK', '');
}

/** The roots are one string, however many there are: the agent takes the last one for its trust bundle (I54). */
function chainFor({ chain }: SignedCertificate, trustBundle: string): readonly string[] {
  return [...chain, trustBundle];
}

function readMessage(message: Uint8Array): envoy.IstioCertificateRequest | Refusal {
  if (message.length > largestMessage) {
    return { status: 'INVALID_ARGUMENT', detail: `the request is larger than ${largestMessage} bytes` };
  }
  try {
    return decode('istio.v1.auth.IstioCertificateRequest', message);
  } catch {
    return { status: 'INVALID_ARGUMENT', detail: 'the request is malformed' };
  }
}

function metadataText({ metadata }: envoy.IstioCertificateRequest, key: string): string {
  return metadata?.fields?.[key]?.stringValue ?? '';
}

/** In the statuses by which an agent knows whether it is of use to try again (I49). */
function refusalOf({ kind, reason }: SigningRefusal): Refusal {
  switch (kind) {
    case 'invalid':
      return { status: 'INVALID_ARGUMENT', detail: `the request ${reason}` };
    case 'busy':
      return { status: 'RESOURCE_EXHAUSTED', detail: `the request ${reason}; try again later` };
    case 'unavailable':
      return { status: 'UNAVAILABLE', detail: 'no certificate can be signed now; try again later' };
  }
}
