import { containsCidr, parseCidr, type Cidr } from '../../../model/cidr.ts';
import type { ShardEndpoint } from '../../../model/endpoint.ts';
import type { Protocol } from '../../../model/protocol.ts';
import { numberField, textField, type JsonMessage } from '../client/json-message.ts';
import { labelsOf, localityOf, protocolOf, readMetadata } from './metadata.ts';

/** An instance that traffic can go to, read from words that anybody may have written (registries N50). */
export interface Instance {
  readonly port: number;
  readonly protocol: Protocol;
  /** As registered: usually 1, and not always a whole number. */
  readonly weight: number;
  readonly endpoint: ShardEndpoint;
}

export type InstanceReading =
  | { readonly kind: 'usable'; readonly instance: Instance }
  /** By its own wish it gets no traffic: it is disabled, or its weight is 0. */
  | { readonly kind: 'unused' }
  | { readonly kind: 'invalid'; readonly path: string; readonly problem: string };

/** Which addresses instances may have. */
export interface AddressRules {
  /** undefined: all but those that mean another machine to whoever dials them. */
  readonly allowed: readonly Cidr[] | undefined;
}

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new RangeError(`${text} is no block of addresses`);
  return parsed;
};

/** The proxy's own machine, its neighbours on the wire and the metadata servers of clouds, everybody, nobody. */
const neverElsewhere: readonly Cidr[] = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', '::1/128', 'fe80::/10', 'ff00::/8', '::ffff:0:0/96'],
].map(cidr);

const largestWeight = 10_000;

export function readInstance(message: JsonMessage, { allowed }: AddressRules): InstanceReading {
  const address = textField(message, 'ip') ?? '';
  const block = address.includes('/') || address.includes('%') ? undefined : parseCidr(address);
  if (block === undefined) return invalid('ip', `${quoted(address)} is no IP address`);
  const inRange = (range: Cidr): boolean => containsCidr(range, block);
  if (allowed === undefined && neverElsewhere.some(inRange)) {
    return invalid('ip', `${address} is an address that means something else on each machine`);
  }
  if (allowed !== undefined && !allowed.some(inRange))
    return invalid('ip', `${address} is not among the allowed addresses`);
  const port = numberField(message, 'port') ?? Number.NaN;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return invalid('port', `${port} is no port`);
  const weight = numberField(message, 'weight') ?? 1;
  if (!(weight >= 0 && weight <= largestWeight))
    return invalid('weight', `${weight} is not from 0 to ${largestWeight}`);
  if (message['enabled'] === false || weight === 0) return { kind: 'unused' };
  const metadata = readMetadata(message['metadata']);
  const locality = localityOf(metadata);
  const endpoint: ShardEndpoint = {
    address,
    health: message['healthy'] === false ? 'unhealthy' : 'healthy',
    labels: labelsOf(metadata, textField(message, 'clusterName') ?? ''),
    ...(locality === undefined ? {} : { locality }),
  };
  return { kind: 'usable', instance: { port, protocol: protocolOf(metadata), weight, endpoint } };
}

function invalid(path: string, problem: string): InstanceReading {
  return { kind: 'invalid', path, problem };
}

/** What strangers wrote, as far as it helps. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
