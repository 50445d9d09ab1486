import { isIP } from 'node:net';

/** A block of IP addresses. */
export interface Cidr {
  readonly family: 4 | 6;
  /** The address as it was written, without the prefix length. */
  readonly address: string;
  readonly prefixLength: number;
  /** The address as a number, bits behind the prefix cleared. */
  readonly network: bigint;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address, which is a block of one; undefined when it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0) return undefined;
  const family = version === 4 ? 4 : 6;
  const width = family === 4 ? 32 : 128;
  const prefixText = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefixLength = Number(prefixText);
  if (prefixLength > width) return undefined;
  const number = family === 4 ? numberOfIpv4(address) : numberOfIpv6(address);
  return { family, address, prefixLength, network: clearHostBits(number, width, prefixLength) };
}

/** Whether every address of `inner` is one of `outer`. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || inner.prefixLength < outer.prefixLength) return false;
  return clearHostBits(inner.network, outer.family === 4 ? 32 : 128, outer.prefixLength) === outer.network;
}

/** Whether the text is a single IP address, not a block, a path or a name. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

function clearHostBits(number: bigint, width: number, prefixLength: number): bigint {
  const hostBits = BigInt(width - prefixLength);
  return (number >> hostBits) << hostBits;
}

function numberOfIpv4(address: string): bigint {
  return address.split('.').reduce((number, byte) => (number << 8n) | BigInt(Number(byte)), 0n);
}

function numberOfIpv6(address: string): bigint {
  const withoutZone = address.split('%', 1)[0] ?? address;
  const [head = '', tail] = withoutZone.split('::');
  const leading = groupsOf(head);
  const trailing = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 8 - leading.length - trailing.length }, () => 0n);
  return [...leading, ...zeros, ...trailing].reduce((number, group) => (number << 16n) | group, 0n);
}

function groupsOf(text: string): readonly bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    // The last 32 bits may be written as IPv4.
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const number = numberOfIpv4(group);
    return [number >> 16n, number & 0xffffn];
  });
}
