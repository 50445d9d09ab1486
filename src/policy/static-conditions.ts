import { meshGateway } from './config-indexes.ts';
import type { StaticConditions } from './dialects/istio/decoded.ts';
import { selects, type Labels } from './label-match.ts';

/** Whom a route is for. */
export interface RouteClient {
  readonly namespace: string;
  readonly labels: Labels;
  /** Port of the listener. */
  readonly port: number;
}

/**
 * Whether the conditions that no request can change hold for a sidecar (policy H11 to H14). Gateways of a match replace those of
 * the object, and with them the labels and the namespace of the client are not looked at.
 */
export function conditionsHold(conditions: StaticConditions, client: RouteClient): boolean {
  if (conditions.port !== undefined && conditions.port !== client.port) return false;
  if (conditions.gateways !== undefined) return conditions.gateways.includes(meshGateway);
  if (conditions.sourceNamespace !== undefined && conditions.sourceNamespace !== client.namespace) return false;
  return selects(conditions.sourceLabels, client.labels);
}
