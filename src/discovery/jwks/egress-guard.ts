import { containsCidr, parseCidr, type Cidr } from '../../model/cidr.ts';

/**
 * Where Weir goes when an object says so (reliability S9): whoever may write such an object must not reach, through Weir, what only Weir can
 * reach.
 */
export interface EgressRules {
  /** `HOST` or `HOST:PORT`: nowhere else, and there whatever the address is. undefined: anywhere but to addresses that are closed. */
  readonly hosts: readonly string[] | undefined;
  /** Hosts and addresses of API servers. */
  readonly apiServers: readonly string[];
}

export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
}

/** This machine, its neighbours on the link, everybody at once, and the metadata services of clouds. */
const closed: readonly Cidr[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
].flatMap((text) => parseCidr(text) ?? []);

/** Blocks in which an IPv4 address is written as an IPv6 one. */
const embedding: readonly Cidr[] = ['::ffff:0:0/96', '64:ff9b::/96', '::/96'].flatMap((text) => parseCidr(text) ?? []);

/** @throws EgressRefused when the address must not be asked, before its host is looked up */
export function checkUrl(url: URL, { hosts, apiServers }: EgressRules): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(url, 'it is neither http nor https');
  if (url.username !== '' || url.password !== '') throw refused(url, 'it holds a user or password');
  if (apiServers.includes(hostOf(url))) throw refused(url, 'it is an API server');
  if (hosts !== undefined && !isNamed(url, hosts)) throw refused(url, 'its host is not among those of --jwks-hosts');
}

/** @throws EgressRefused when the host has an address that is closed */
export function checkAddresses(url: URL, addresses: readonly string[], { hosts, apiServers }: EgressRules): void {
  const bad = addresses.find((address) => apiServers.includes(address) || (hosts === undefined && isClosed(address)));
  if (bad !== undefined) throw refused(url, `${bad} is an address that Weir does not go to for others`);
}

/** The name without the brackets of an IPv6 address. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

function isNamed(url: URL, hosts: readonly string[]): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return hosts.includes(hostOf(url)) || hosts.includes(`${hostOf(url)}:${port}`);
}

function isClosed(address: string): boolean {
  const cidr = parseCidr(address);
  if (cidr === undefined) return true;
  const embedded = embedding.some((block) => containsCidr(block, cidr)) ? ipv4In(cidr) : undefined;
  const meant = embedded === undefined ? [cidr] : [cidr, embedded];
  return meant.some((each) => closed.some((block) => containsCidr(block, each)));
}

function ipv4In({ network }: Cidr): Cidr | undefined {
  const bytes = [24n, 16n, 8n, 0n].map((shift) => (network >> shift) & 255n);
  return parseCidr(bytes.join('.'));
}

function refused(url: URL, reason: string): EgressRefused {
  return new EgressRefused(`${url.origin} is not asked: ${reason}`);
}
