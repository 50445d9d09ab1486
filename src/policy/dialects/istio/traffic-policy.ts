import type { TrafficPolicy } from '../../../model/traffic-policy.ts';
import { decodeClientTls } from './client-tls.ts';
import { decodeConnectionPool } from './connection-pool.ts';
import type { TrafficPolicyLayer } from './decoded.ts';
import { decodeLoadBalancer } from './load-balancer.ts';
import { decodeOutlierDetection } from './outlier-detection.ts';
import type { Reading } from './reading.ts';
import type { PortTrafficPolicySpec, TrafficPolicySpec } from './schemas/destination-rule.ts';
import { atMostOne, decodeDuration, decodePort, inRange, itemsOf } from './values.ts';

/**
 * One level of settings: what it says for all ports, and for single ones, uninherited (policy P121).
 *
 * @param selected whether the rule is for some clients only
 */
export function decodeTrafficPolicy(
  spec: TrafficPolicySpec | undefined,
  path: string,
  reading: Reading,
  selected: boolean,
): TrafficPolicyLayer {
  if (spec === undefined) return { policy: undefined, ports: new Map() };
  if (Object.keys(spec).length === 0) {
    reading.error('WEIR1201', path, 'the traffic policy says nothing', 'fill it in, or remove it');
  }
  reportTunnels(spec, path, reading);
  const blocks = decodeBlocks(spec, path, reading, { ofPort: false, selected });
  const retryBudget = decodeRetryBudget(spec.retryBudget, `${path}.retryBudget`, reading);
  const policy: TrafficPolicy = { ...blocks, retryBudget };
  const saysNothing = Object.values(policy).every((block) => block === undefined);
  return {
    policy: saysNothing ? undefined : policy,
    ports: decodePorts(spec, path, reading, selected),
  };
}

type Blocks = Omit<TrafficPolicy, 'retryBudget'>;

function decodeBlocks(
  spec: Pick<PortTrafficPolicySpec, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>,
  path: string,
  reading: Reading,
  place: { readonly ofPort: boolean; readonly selected: boolean },
): Blocks {
  const { loadBalancer, connectionPool, outlierDetection, tls } = spec;
  const ejecting = outlierDetection !== undefined;
  return {
    loadBalancer: loadBalancer && decodeLoadBalancer(loadBalancer, `${path}.loadBalancer`, reading, ejecting),
    connectionPool: connectionPool && decodeConnectionPool(connectionPool, `${path}.connectionPool`, reading),
    outlierDetection: outlierDetection && decodeOutlierDetection(outlierDetection, `${path}.outlierDetection`, reading),
    tls: tls && decodeClientTls(tls, `${path}.tls`, reading, place),
  };
}

function reportTunnels(spec: TrafficPolicySpec, path: string, reading: Reading): void {
  const { tunnel, proxyProtocol } = spec;
  atMostOne({ tunnel, proxyProtocol }, path, reading);
  if (tunnel !== undefined) reading.notInForce(`${path}.tunnel`, 'connections are not tunnelled');
  if (proxyProtocol !== undefined) {
    reading.notInForce(`${path}.proxyProtocol`, 'connections do not begin with the PROXY protocol');
  }
}

/** Policy A14. */
function decodeRetryBudget(
  spec: TrafficPolicySpec['retryBudget'],
  path: string,
  reading: Reading,
): TrafficPolicy['retryBudget'] {
  if (spec === undefined) return undefined;
  if (spec.budgetInterval !== undefined) {
    decodeDuration(spec.budgetInterval, `${path}.budgetInterval`, reading, 0);
    reading.notInForce(`${path}.budgetInterval`, 'the budget is a share of the requests in flight at each moment');
  }
  const percent = inRange(spec.percent, [0, 100], `${path}.percent`, reading) ?? 20;
  return { percent, minRetryConcurrency: spec.minRetryConcurrency ?? 3 };
}

function decodePorts(
  spec: TrafficPolicySpec,
  path: string,
  reading: Reading,
  selected: boolean,
): ReadonlyMap<number, TrafficPolicy> {
  const ports = new Map<number, TrafficPolicy>();
  for (const { item, at } of itemsOf(spec.portLevelSettings, `${path}.portLevelSettings`)) {
    const number = decodePort(item.port?.number, `${at}.port.number`, reading);
    const blocks = decodeBlocks(item, at, reading, { ofPort: true, selected });
    if (Object.values(blocks).every((block) => block === undefined)) {
      reading.error('WEIR1201', at, 'the settings of the port say nothing', 'fill them in, or remove them');
    }
    reportLostBlocks(spec, item, at, reading);
    if (number === undefined) continue;
    if (ports.has(number)) {
      const message = `there are settings for port ${number} already; the first ones count`;
      reading.warn('WEIR1205', at, message, 'join the settings of the port');
    } else ports.set(number, { ...blocks, retryBudget: undefined });
  }
  return ports;
}

/** Policy P407: what a port does not repeat falls to the defaults, not to the settings for all ports. */
function reportLostBlocks(spec: TrafficPolicySpec, port: PortTrafficPolicySpec, path: string, reading: Reading): void {
  const lost = (['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'] as const).filter(
    (block) => spec[block] !== undefined && port[block] === undefined,
  );
  if (lost.length === 0) return;
  const message = `for this port ${lost.join(', ')} fall back to the defaults`;
  reading.warn('WEIR1206', path, message, 'repeat them here if they shall hold for the port as well');
}
