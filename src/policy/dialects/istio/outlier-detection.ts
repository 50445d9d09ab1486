import type { OutlierDetection } from '../../../model/traffic-policy.ts';
import type { Reading } from './reading.ts';
import type { OutlierDetectionSpec } from './schemas/destination-rule.ts';
import { decodeDuration, inRange, positive } from './values.ts';

/** When endpoints are ejected (policy D10). An empty block switches detection on with its defaults. */
export function decodeOutlierDetection(spec: OutlierDetectionSpec, path: string, reading: Reading): OutlierDetection {
  if (spec.consecutiveErrors !== undefined) {
    reading.deprecated(`${path}.consecutiveErrors`, 'consecutive5xxErrors or consecutiveGatewayErrors');
    reading.notInForce(`${path}.consecutiveErrors`, 'errors are not counted by it');
  }
  if (spec.outlierDetectionHttpErrorCodes !== undefined) {
    reading.notInForce(
      `${path}.outlierDetectionHttpErrorCodes`,
      'every status from 500 on counts as an error, and no other',
    );
  }
  const split = spec.splitExternalLocalOriginErrors ?? false;
  if (!split && (spec.consecutiveLocalOriginFailures ?? 0) > 0) {
    const message = 'consecutiveLocalOriginFailures does nothing without splitExternalLocalOriginErrors';
    const advice = 'set splitExternalLocalOriginErrors: true';
    reading.warn('WEIR1021', `${path}.consecutiveLocalOriginFailures`, message, advice);
  }
  const maxEjectionPercent = inRange(spec.maxEjectionPercent, [0, 100], `${path}.maxEjectionPercent`, reading);
  return {
    consecutive5xxErrors: spec.consecutive5xxErrors,
    consecutiveGatewayErrors: spec.consecutiveGatewayErrors,
    splitExternalLocalOriginErrors: split,
    consecutiveLocalOriginFailures: spec.consecutiveLocalOriginFailures,
    intervalMs: decodeDuration(spec.interval, `${path}.interval`, reading),
    baseEjectionTimeMs: decodeDuration(spec.baseEjectionTime, `${path}.baseEjectionTime`, reading),
    maxEjectionPercent: positive(maxEjectionPercent, `${path}.maxEjectionPercent`, reading),
    minHealthPercent: inRange(spec.minHealthPercent, [0, 100], `${path}.minHealthPercent`, reading),
  };
}
