import type { StaticConditions } from './decoded.ts';
import { decodeGateways } from './gateways.ts';
import type { Reading } from './reading.ts';
import { checkName, decodeLabels, inRange } from './values.ts';

/** The fields of a match that no request decides, the same for HTTP, TLS and TCP (policy H11 to H14, T1). */
interface ConditionsSpec {
  readonly port?: number | undefined;
  readonly sourceLabels?: Readonly<Record<string, string>> | undefined;
  readonly sourceNamespace?: string | undefined;
  readonly gateways?: readonly (string | undefined)[] | undefined;
}

export function decodeConditions(spec: ConditionsSpec, path: string, reading: Reading): StaticConditions {
  const gateways = decodeGateways(spec.gateways, `${path}.gateways`, reading);
  const sourceNamespace = spec.sourceNamespace === '' ? undefined : spec.sourceNamespace;
  if (sourceNamespace !== undefined) checkName(sourceNamespace, 'namespace', `${path}.sourceNamespace`, reading);
  const conditions: StaticConditions = {
    port: spec.port === 0 ? undefined : inRange(spec.port, [1, 65_535], `${path}.port`, reading),
    sourceLabels: decodeLabels(spec.sourceLabels, `${path}.sourceLabels`, reading),
    sourceNamespace,
    gateways,
  };
  if (gateways !== undefined && (sourceNamespace !== undefined || Object.keys(conditions.sourceLabels).length > 0)) {
    const message = 'sourceLabels and sourceNamespace are not looked at in a match that names gateways';
    reading.warn('WEIR1021', path, message, 'remove gateways from the match, or the source conditions');
  }
  return conditions;
}
