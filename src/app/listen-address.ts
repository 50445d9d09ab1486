import { BlockList, isIP } from 'node:net';

/** Where a server listens or a client connects: a host and a port. */
export interface SocketAddress {
  /** An IP address, without brackets, or a name. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Reads `127.0.0.1:15010`, `[::1]:15010` or `localhost:15010`; undefined when it is none of them. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, portText] = match;
  const host = bracketed ?? plain ?? '';
  const port = Number(portText);
  if (port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  return { host, port };
}

/** The opposite of `parseSocketAddress`. */
export function formatSocketAddress({ host, port }: SocketAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach the address. A name other than `localhost` may resolve to anything. */
export function isLoopback({ host }: SocketAddress): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
