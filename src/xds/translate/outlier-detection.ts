import type { OutlierDetection } from '../../model/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';

/**
 * Ejection of endpoints that fail (policy D10), with the defaults of Istio's API: no statistics over the whole cluster, and
 * no panic, in which Envoy would send to ejected endpoints once half of them are out.
 */
export function outlierDetection(settings: OutlierDetection): envoy.OutlierDetection {
  const { consecutive5xxErrors, consecutiveGatewayErrors } = settings;
  return {
    consecutive5xx: optional(consecutive5xxErrors),
    enforcingConsecutive5xx: enforced(consecutive5xxErrors),
    consecutiveGatewayFailure: optional(consecutiveGatewayErrors),
    enforcingConsecutiveGatewayFailure: enforced(consecutiveGatewayErrors),
    interval: duration(settings.intervalMs),
    baseEjectionTime: duration(settings.baseEjectionTimeMs),
    maxEjectionPercent: optional(settings.maxEjectionPercent),
    enforcingSuccessRate: { value: 0 },
    ...localOriginFields(settings),
  };
}

/** How few endpoints may be healthy before Envoy stops to look at health; 0: it never does. */
export function panicThreshold(settings: OutlierDetection): envoy.Percent {
  return { value: settings.minHealthPercent ?? 0 };
}

/** Failures to connect counted apart from answers, where the policy says so. */
function localOriginFields(settings: OutlierDetection): envoy.OutlierDetection {
  if (!settings.splitExternalLocalOriginErrors) return {};
  const failures = settings.consecutiveLocalOriginFailures;
  return {
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailure: optional(failures),
    enforcingConsecutiveLocalOriginFailure: enforced(failures),
    enforcingLocalOriginSuccessRate: { value: 0 },
  };
}

function optional(value: number | undefined): envoy.UInt32Value | undefined {
  return value === undefined ? undefined : { value };
}

/** 0 switches a detector off. */
function enforced(value: number | undefined): envoy.UInt32Value | undefined {
  return value === undefined ? undefined : { value: value > 0 ? 100 : 0 };
}

function duration(value: number | undefined): envoy.Duration | undefined {
  return value === undefined ? undefined : milliseconds(value);
}
