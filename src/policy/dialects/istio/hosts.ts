import { isAddress } from '../../../model/cidr.ts';
import { hostCovers } from '../../host-match.ts';
import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';

/** Host names in Istio's objects: DNS names, `*.suffix` wildcards, short names of services, sometimes addresses. */

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/i;
const longestHost = 253;
const longestLabel = 63;

/** In lower case and full: a name without a dot is a service in the namespace of the object that names it (policy G1). */
export function fullHost(host: string, reading: Reading): string {
  const lower = canonicalHost(host);
  if (lower === '*' || lower.includes('.') || isAddress(lower)) return lower;
  return `${lower}.${reading.namespace}.svc.${reading.domain}`;
}

/** In lower case, without the dot that may end a full name. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return /[^*.]\.$/.test(lower) ? lower.slice(0, -1) : lower;
}

/** What may stand in place of a DNS name. */
export interface HostForms {
  readonly wildcard?: boolean;
  readonly address?: boolean;
}

/**
 * Reports a host that is none.
 *
 * @returns whether it is one
 */
export function checkHost(host: string, path: string, reading: Reading, allowed: HostForms): boolean {
  const problem = problemOf(canonicalHost(host), allowed);
  if (problem === undefined) return true;
  reading.error(
    'WEIR1010',
    path,
    `the host ${quote(host)} ${problem}`,
    'write a DNS name of letters, digits, dashes and dots',
  );
  return false;
}

function problemOf(host: string, { wildcard = false, address = false }: HostForms): string | undefined {
  if (host === '') return 'is empty';
  if (isAddress(host)) return address ? undefined : 'is an address, where a name is needed';
  if (host === '*') return wildcard ? undefined : 'is a wildcard, where one name is needed';
  if (host.length > longestHost) return `is longer than ${longestHost} characters`;
  const [first = '', ...rest] = host.split('.');
  if (first.includes('*')) {
    if (first !== '*' || rest.length === 0)
      return 'has a wildcard that is not a whole first label, as in *.example.com';
    if (!wildcard) return 'is a wildcard, where one name is needed';
  }
  const wrong = (first === '*' ? rest : [first, ...rest]).find(
    (part) => part.length > longestLabel || !label.test(part),
  );
  if (wrong === undefined) return undefined;
  if (wrong === '') return 'has an empty part';
  if (wrong.length > longestLabel) return `has a part of more than ${longestLabel} characters`;
  return `has the part ${quote(wrong)}, which is no DNS label`;
}

/** Whether one of two host patterns covers something of the other. */
export function hostsOverlap(a: string, b: string): boolean {
  return hostCovers(a, b) || hostCovers(b, a);
}
