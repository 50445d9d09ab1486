import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { parseSocketAddress, type SocketAddress } from '../app/listen-address.ts';
import { parseCidr } from '../model/cidr.ts';
import { readCidrs, readPorts } from '../inject/interception-values.ts';
import { readProbe, type CarriedProbe } from '../inject/probes.ts';
import type { Locality } from '../model/workload.ts';

/** Reads the values of options; what they throw commander prints behind the option's name. */

export function portArgument(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port from 0 to 65535.');
}

export function socketAddressArgument(text: string): SocketAddress {
  const address = parseSocketAddress(text);
  if (address !== undefined && address.port > 0) return address;
  throw new InvalidArgumentError('It must be HOST:PORT, for example 127.0.0.1:15010 or weir.weir-system.svc:15010.');
}

export function ipArgument(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new InvalidArgumentError('It must be an IP address.');
}

/** Blocks of addresses of one family, so that the Envoy can bind what is in them. */
export function cidrArgument(text: string): string {
  if (text.includes('/') && parseCidr(text) !== undefined) return text;
  throw new InvalidArgumentError('It must be a CIDR, for example 127.40.0.0/16.');
}

export function cidrsArgument(text: string): readonly string[] {
  const blocks = readCidrs(text);
  if (blocks !== undefined) return blocks;
  throw new InvalidArgumentError(
    'It must be addresses or CIDRs with commas between them, for example 10.0.0.0/8,192.0.2.7.',
  );
}

export function portsArgument(text: string): readonly number[] {
  const ports = readPorts(text);
  if (ports !== undefined) return ports;
  throw new InvalidArgumentError('It must be ports from 1 to 65535 with commas between them, for example 22,9090.');
}

export function probeArgument(text: string, before: readonly CarriedProbe[]): readonly CarriedProbe[] {
  const probe = readProbe(text);
  if (probe !== undefined) return [...before, probe];
  throw new InvalidArgumentError('It must be PATH=CHECK, for example /app-health/web/readyz=http:8080/healthz.');
}

/** What is a name in Kubernetes: lower case, no blanks, so that it can be part of a host name. */
export function nameArgument(text: string): string {
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a name of lower case letters, digits, dots and dashes.');
}

/** `app=web,version=v1`. */
export function labelsArgument(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair) => /^([^=\s]+)=([^=\s]*)$/.exec(pair.trim()));
  if (pairs.some((pair) => pair === null)) {
    throw new InvalidArgumentError(
      'It must be name=value pairs with commas between them, for example app=web,version=v1.',
    );
  }
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}

/** `region`, `region/zone` or `region/zone/subzone`. */
export function localityArgument(text: string): Locality {
  const [region = '', zone = '', subZone = '', ...rest] = text.split('/');
  if (region !== '' && rest.length === 0) return { region, zone, subZone };
  throw new InvalidArgumentError('It must be REGION/ZONE/SUBZONE, the last two optional.');
}
