import type { HashKey, HashTable, LoadBalancer } from '../../../model/traffic-policy.ts';
import { quote } from './field-path.ts';
import { checkHeaderName } from './headers.ts';
import { decodeLocality } from './locality.ts';
import type { Reading } from './reading.ts';
import type { ConsistentHashSpec, LoadBalancerSpec } from './schemas/destination-rule.ts';
import { atMostOne, checkLine, decodeDuration, inRange, itemsOf } from './values.ts';

/** How requests are spread over endpoints (policy D2 to D9). */

/** @param ejecting whether there is outlier detection beside it */
export function decodeLoadBalancer(
  spec: LoadBalancerSpec,
  path: string,
  reading: Reading,
  ejecting: boolean,
): LoadBalancer {
  const { simple, consistentHash, localityLbSetting, zoneAwareLbSetting } = spec;
  atMostOne({ simple: simple === 'UNSPECIFIED' ? undefined : simple, consistentHash }, path, reading);
  atMostOne({ localityLbSetting, zoneAwareLbSetting }, path, reading);
  if (simple === 'LEAST_CONN') reading.deprecated(`${path}.simple`, 'LEAST_REQUEST');
  if (zoneAwareLbSetting !== undefined) {
    reading.notInForce(`${path}.zoneAwareLbSetting`, 'zones are preferred by localityLbSetting only');
  }
  const algorithm = decodeAlgorithm(spec, path, reading);
  const warmup = decodeWarmup(spec, path, reading);
  if (warmup !== undefined && algorithm.kind !== 'least-request' && algorithm.kind !== 'round-robin') {
    const message = 'warm-up works with ROUND_ROBIN and LEAST_REQUEST only';
    reading.warn('WEIR1021', path, message, 'remove the warm-up, or use one of them');
  }
  return {
    algorithm,
    warmup,
    locality: decodeLocality(localityLbSetting, `${path}.localityLbSetting`, reading, ejecting),
  };
}

function decodeAlgorithm(spec: LoadBalancerSpec, path: string, reading: Reading): LoadBalancer['algorithm'] {
  if (spec.consistentHash !== undefined) {
    const at = `${path}.consistentHash`;
    const key = decodeHashKey(spec.consistentHash, at, reading);
    const table = decodeHashTable(spec.consistentHash, at, reading);
    return key === undefined ? { kind: 'least-request' } : { kind: 'consistent-hash', key, table };
  }
  switch (spec.simple) {
    case 'ROUND_ROBIN':
      return { kind: 'round-robin' };
    case 'RANDOM':
      return { kind: 'random' };
    case 'PASSTHROUGH':
      return { kind: 'passthrough' };
    case 'LEAST_REQUEST':
    case 'LEAST_CONN':
    case 'UNSPECIFIED':
    case undefined:
      return { kind: 'least-request' };
  }
}

function decodeWarmup(spec: LoadBalancerSpec, path: string, reading: Reading): LoadBalancer['warmup'] {
  const { warmup, warmupDurationSecs } = spec;
  atMostOne({ warmup, warmupDurationSecs }, path, reading);
  if (warmupDurationSecs !== undefined) reading.deprecated(`${path}.warmupDurationSecs`, 'warmup.duration');
  if (warmup === undefined) {
    const durationMs = decodeDuration(warmupDurationSecs, `${path}.warmupDurationSecs`, reading);
    return durationMs === undefined ? undefined : { durationMs, minimumPercent: 10, aggression: 1 };
  }
  const at = `${path}.warmup`;
  if (warmup.duration === undefined) {
    reading.error('WEIR1005', `${at}.duration`, 'the duration is missing', 'add duration');
  }
  if (warmup.aggression !== undefined && warmup.aggression <= 0) {
    reading.error('WEIR1004', `${at}.aggression`, 'the aggression is not above zero', 'use 1 for a linear warm-up');
  }
  const durationMs = decodeDuration(warmup.duration, `${at}.duration`, reading) ?? 0;
  const minimumPercent = inRange(warmup.minimumPercent, [0, 100], `${at}.minimumPercent`, reading) ?? 10;
  return { durationMs, minimumPercent, aggression: warmup.aggression ?? 1 };
}

function decodeHashKey(spec: ConsistentHashSpec, path: string, reading: Reading): HashKey | undefined {
  const { httpHeaderName, httpCookie, httpQueryParameterName } = spec;
  const useSourceIp = spec.useSourceIp === true ? true : undefined;
  if (atMostOne({ httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName }, path, reading) === 0) {
    const advice = 'add httpHeaderName, httpCookie, useSourceIp: true or httpQueryParameterName';
    reading.error('WEIR1005', path, 'the hash does not say what is hashed', advice);
  }
  if (httpHeaderName !== undefined) {
    // Pseudo headers can be hashed like others.
    const plain = httpHeaderName.startsWith(':') ? httpHeaderName.slice(1) : httpHeaderName;
    checkHeaderName(plain, `${path}.httpHeaderName`, reading);
    return { kind: 'header', name: httpHeaderName.toLowerCase() };
  }
  if (httpCookie !== undefined) return decodeCookie(httpCookie, `${path}.httpCookie`, reading);
  if (useSourceIp) return { kind: 'source-ip' };
  if (httpQueryParameterName === undefined) return undefined;
  if (httpQueryParameterName === '') {
    reading.error('WEIR1005', `${path}.httpQueryParameterName`, 'the name is empty', 'name the query parameter');
  }
  return { kind: 'query', name: httpQueryParameterName };
}

function decodeCookie(spec: NonNullable<ConsistentHashSpec['httpCookie']>, path: string, reading: Reading): HashKey {
  // Cookies are named like headers.
  checkHeaderName(spec.name ?? '', `${path}.name`, reading);
  checkLine(spec.path ?? '', `${path}.path`, reading);
  const names = new Set<string>();
  const attributes = itemsOf(spec.attributes, `${path}.attributes`).map(({ item, at }) => {
    const name = item.name ?? '';
    checkHeaderName(name, `${at}.name`, reading);
    checkLine(item.value ?? '', `${at}.value`, reading);
    if (names.has(name)) {
      reading.error('WEIR1006', `${at}.name`, `the attribute ${quote(name)} is set twice`, 'remove one of them');
    }
    names.add(name);
    return [name, item.value ?? ''] as const;
  });
  const ttlMs = decodeDuration(spec.ttl, `${path}.ttl`, reading, 0);
  return { kind: 'cookie', name: spec.name ?? '', path: spec.path ?? '', ttlMs, attributes };
}

const defaultRingSize = 1024;
/** What Envoy takes at most. */
const largestRingSize = 8_388_608;
const defaultMaglevSize = 65_537;
const largestMaglevSize = 5_000_011;

function decodeHashTable(spec: ConsistentHashSpec, path: string, reading: Reading): HashTable {
  const { ringHash, maglev, minimumRingSize } = spec;
  atMostOne({ ringHash, maglev, minimumRingSize }, path, reading);
  if (minimumRingSize !== undefined) reading.deprecated(`${path}.minimumRingSize`, 'ringHash.minimumRingSize');
  if (maglev !== undefined) {
    const tableSize = maglev.tableSize ?? defaultMaglevSize;
    if (tableSize > largestMaglevSize || !isPrime(tableSize)) {
      const message = `the table size ${tableSize} is not a prime number of at most ${largestMaglevSize}`;
      reading.error(
        'WEIR1202',
        `${path}.maglev.tableSize`,
        message,
        `use ${defaultMaglevSize} unless you measured otherwise`,
      );
    }
    return { kind: 'maglev', tableSize };
  }
  const asked = ringHash?.minimumRingSize ?? minimumRingSize ?? 0;
  if (asked > largestRingSize) {
    const at = ringHash === undefined ? `${path}.minimumRingSize` : `${path}.ringHash.minimumRingSize`;
    reading.error(
      'WEIR1202',
      at,
      `the ring size ${asked} is above ${largestRingSize}`,
      `use at most ${largestRingSize}`,
    );
  }
  return { kind: 'ring', minimumSize: asked === 0 ? defaultRingSize : asked };
}

function isPrime(number: number): boolean {
  if (number < 4) return number > 1;
  if (number % 2 === 0) return false;
  for (let factor = 3; factor * factor <= number; factor += 2) {
    if (number % factor === 0) return false;
  }
  return true;
}
