import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds: an idle authority needs some milliseconds; one that is asked by a whole cluster makes wait. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The certificate authority. `citadel_…` are Istio's names with Istio's meaning (istio-compat I165). */
export function certificateMetrics(registry: Registry) {
  return { ...signingMetrics(registry), ...authorityMetrics(registry) };
}

/** What was asked of it. */
function signingMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames: [...labelNames], registers });
  return {
    certificateRequests: counter('citadel_server_csr_count', 'Requests for certificates.'),
    requestedCertificates: counter('citadel_server_success_cert_issuance_count', 'Requests that were granted.'),
    unknownRequesters: counter(
      'citadel_server_authentication_failure_count',
      'Requests of callers that could not show who they are.',
    ),
    malformedRequests: counter('citadel_server_csr_parsing_err_count', 'Requests that are of no use.'),
    failedSignings: counter(
      'citadel_server_csr_sign_err_count',
      'Requests that could not be granted: CA_NOT_READY, CERT_GEN_ERROR.',
      'error',
    ),
    issuedCertificates: counter(
      'weir_certificates_issued_total',
      'Certificates signed: for a request, with a key of Weir, for a server of the control plane.',
      'for',
    ),
    refusedCertificates: counter(
      'weir_certificate_refusals_total',
      'Certificates that were not signed: invalid, busy, unavailable.',
      'reason',
    ),
    certificateSeconds: new Histogram({
      name: 'weir_certificate_seconds',
      help: 'Time from the wish for a certificate to the certificate, waiting included.',
      buckets,
      registers,
    }),
  };
}

/** How it is. */
function authorityMetrics(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: readonly Label[]) =>
    new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
  const expiries = {
    rootExpiry: gauge(
      'citadel_server_root_cert_expiry_timestamp',
      'When the first of the roots ends, in seconds since 1970.',
    ),
    rootTimeLeft: gauge('citadel_server_root_cert_expiry_seconds', 'Time until then; negative afterwards.'),
    signerExpiry: gauge(
      'citadel_server_cert_chain_expiry_timestamp',
      'When what signs, or what stands above it, ends, in seconds since 1970.',
    ),
    signerTimeLeft: gauge('citadel_server_cert_chain_expiry_seconds', 'Time until then; negative afterwards.'),
  };
  // Without a label a gauge begins at 0, which would be said of an authority that is not there.
  for (const each of Object.values(expiries)) each.remove();
  return {
    ...expiries,
    waitingCertificates: gauge('weir_certificates_waiting', 'Wishes for certificates that wait for their turn.'),
    certificateCircuitOpen: gauge(
      'weir_certificate_circuit_open',
      '1 while no certificate is signed because the last ones could not be.',
    ),
    rootRotation: gauge(
      'weir_root_rotation',
      '1 for how far the replacement of the root has come: steady, requested, adding, dropping.',
      'step',
    ),
    rootRotationProxies: gauge(
      'weir_root_rotation_waiting_proxies',
      'Proxies that keep the replacement of the root from going on, since they have not confirmed their secrets.',
    ),
  };
}
