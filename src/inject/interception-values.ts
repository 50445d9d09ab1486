import { parseCidr } from '../model/cidr.ts';
import type { AddressFamily } from './interception.ts';

/** What users write to say which connections are intercepted: lists with commas between them. Undefined: it is something else. */

export function readPorts(text: string): readonly number[] | undefined {
  const ports = partsOf(text);
  const isPort = (port: string): boolean => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return ports.every(isPort) ? ports.map(Number) : undefined;
}

/** Blocks and single addresses. */
export function readCidrs(text: string): readonly string[] | undefined {
  const blocks = partsOf(text);
  // An address with a zone means something on one machine only.
  return blocks.every((block) => parseCidr(block) !== undefined && !block.includes('%')) ? blocks : undefined;
}

/** Names of the kernel: 15 characters at most. One that ends in `*` stands for all that begin so. */
export function readInterfaces(text: string): readonly string[] | undefined {
  const interfaces = partsOf(text);
  return interfaces.every((name) => /^[\w.:-]{1,15}\*?$/.test(name)) ? interfaces : undefined;
}

export function readFamilies(text: string): readonly AddressFamily[] | undefined {
  const parts = partsOf(text);
  const families = parts.filter((part) => part === 'ipv4' || part === 'ipv6');
  return families.length === parts.length ? [...new Set(families)] : undefined;
}

function partsOf(text: string): readonly string[] {
  return text.split(',').map((part) => part.trim());
}
