import { Counter, Gauge, type Registry } from 'prom-client';

/** What Weir answers and writes to a Kubernetes API server. */
export function kubernetesWriterMetrics(registry: Registry) {
  const registers = [registry];
  return {
    reviews: new Counter({
      name: 'weir_admission_reviews_total',
      help: 'Objects that the validating webhook was asked about: allowed, refused, malformed, failed.',
      labelNames: ['outcome'],
      registers,
    }),
    injectionRequests: new Counter({
      name: 'sidecar_injection_requests_total',
      help: 'Pods that the injection webhook was asked about.',
      registers,
    }),
    injectionSuccesses: new Counter({
      name: 'sidecar_injection_success_total',
      help: 'Pods that were given a sidecar.',
      registers,
    }),
    injectionSkips: new Counter({
      name: 'sidecar_injection_skip_total',
      help: 'Pods that were left as they are.',
      registers,
    }),
    injectionFailures: new Counter({
      name: 'sidecar_injection_failure_total',
      help: 'Pods that were refused, because of what their annotations ask for.',
      registers,
    }),
    webhookCertificateExpiry: new Gauge({
      name: 'weir_webhook_certificate_expiry_timestamp_seconds',
      help: 'When the certificate of the webhook ends, in seconds since 1970.',
      registers,
    }),
    podsWithoutSidecar: new Gauge({
      name: 'weir_pods_without_sidecar',
      help: 'Pods of namespaces with sidecars that have none, and have not said that they want none.',
      registers,
    }),
    ...writes(registry),
  };
}

/** What one replica, or each, writes onto objects. */
function writes(registry: Registry) {
  const registers = [registry];
  return {
    rootCertificateWrites: new Counter({
      name: 'weir_root_certificate_writes_total',
      help: 'Writes of the trust bundle into a namespace: written, gone, forbidden, failed.',
      labelNames: ['result'],
      registers,
    }),
    statusWrites: new Counter({
      name: 'weir_status_writes_total',
      help: 'Writes of what became of an object onto it: written, gone, forbidden, failed.',
      labelNames: ['result'],
      registers,
    }),
    leader: new Gauge({
      name: 'weir_leader',
      help: '1 where this process holds the lease.',
      labelNames: ['lease'],
      registers,
    }),
    webhookTrustWrites: new Counter({
      name: 'weir_webhook_trust_writes_total',
      help: "Writes of the webhook's authority into its configuration: written, failed.",
      labelNames: ['result'],
      registers,
    }),
  };
}
