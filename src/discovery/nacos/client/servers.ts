/** Where a Nacos server is. */
export interface NacosServer {
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  /** Of HTTP; that of gRPC is so much higher. */
  readonly port: number;
}

/** How much the port of gRPC is above the main port (registries N13). */
export const defaultGrpcPortOffset = 1000;

/** `host:port`, as a person writes it. */
export function serverText({ host, port }: NacosServer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The configured servers in turn, beginning with any (registries N30): who starts together does not go to one.
 */
export class ServerTurns {
  readonly #servers: readonly NacosServer[];
  #next: number;

  /**
   * @param servers at least one
   * @param random from 0 to below 1
   */
  constructor(servers: readonly NacosServer[], random: () => number) {
    this.#servers = servers;
    this.#next = Math.floor(random() * servers.length);
  }

  get count(): number {
    return this.#servers.length;
  }

  next(): NacosServer {
    const server = this.#servers[this.#next];
    if (server === undefined) throw new RangeError('there are no Nacos servers');
    this.#next = (this.#next + 1) % this.#servers.length;
    return server;
  }

  /** The server that another one sends us to comes next, if it is one of ours: no server decides where we connect (registries N17.7). */
  prefer(host: string, port: number): void {
    const index = this.#servers.findIndex((server) => server.host === host && server.port === port);
    if (index >= 0) this.#next = index;
  }
}
