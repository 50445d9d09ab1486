import { expect } from 'vitest';
import type * as envoy from '../../src/xds/envoy.ts';
import { decode, encode } from '../../src/xds/proto.ts';
import type { ResourceTypeName } from '../../src/xds/resource-types.ts';
import {
  spareBytes,
  type CloseReason,
  type StatusName,
  type StreamTransport,
} from '../../src/xds/transport/transport.ts';
import { aNodeId, ServerRig, type Wire } from './stream-rig.ts';
import { shortName, typeUrlNamed } from './type-names.ts';

/**
 * Traces of the protocol: literal requests in, exactly these responses out, then silence; in hand-made time and without a network.
 *
 * Resources are words: `name=content`, in a mesh `type name=content>child,child`. A response is spelled `type name=content -removed`;
 * a virtual host without a body, which says that there is none of that name, `name=`.
 */

/** A form in which a client may speak: two wires, over one stream for everything or one for each type. */
export interface Variant {
  readonly wire: Wire;
  readonly isAds: boolean;
}

export const variants: readonly Variant[] = [
  { wire: 'delta', isAds: true },
  { wire: 'delta', isAds: false },
  { wire: 'sotw', isAds: true },
  { wire: 'sotw', isAds: false },
];

export interface Heard {
  readonly type: string;
  readonly nonce: string;
  readonly version: string;
  /** `name=content`. */
  readonly resources: readonly string[];
  /** Version by name; delta only. */
  readonly versions: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
  readonly controlPlane: string;
  readonly bytes: number;
}

type Fields = Omit<envoy.DeltaDiscoveryRequest & envoy.DiscoveryRequest, 'typeUrl'>;

/** A connection whose other end is the test. */
class TracedTransport implements StreamTransport {
  readonly peer = { address: '192.0.2.1:4711' };
  readonly queuedBytes = 0;
  readonly messages: Uint8Array[] = [];
  closed: { readonly status: StatusName; readonly detail: string } | undefined;
  isFull = false;
  onMessageBytes: (message: Uint8Array) => void = () => undefined;
  onDrained: () => void = () => undefined;
  onClosed: (reason: CloseReason) => void = () => undefined;

  send(parts: readonly Uint8Array[], bytes: number): boolean {
    const message = Buffer.concat(parts).subarray(spareBytes);
    if (message.length !== bytes) throw new Error(`${bytes} bytes were promised and ${message.length} came`);
    this.messages.push(message);
    return !this.isFull;
  }

  onMessage(callback: (message: Uint8Array) => void): void {
    this.onMessageBytes = callback;
  }

  onDrain(callback: () => void): void {
    this.onDrained = callback;
  }

  onClose(callback: (reason: CloseReason) => void): void {
    this.onClosed = callback;
  }

  close(status: StatusName, detail: string): void {
    this.closed ??= { status, detail };
  }
}

interface Line {
  readonly transport: TracedTransport;
  hasSaidWho: boolean;
  readonly nonces: Set<string>;
}

/** What the client remembers of a type, to say it again where the wire wants that. */
interface Memory {
  names: readonly string[];
  /** Of the last response. */
  nonce: string;
  /** Of the last response that it accepted. */
  version: string;
}

/** A server with a mesh of words. */
export class TraceWorld {
  readonly #rig = new ServerRig();
  readonly #peers: TracePeer[] = [];
  readonly clock = this.#rig.clock;
  readonly mesh = this.#rig.mesh;
  readonly server = this.#rig.server;

  /** One commit of words: `cluster a=1>a`, or `-cluster a` for one that goes. */
  change(...words: readonly string[]): void {
    this.mesh.change((mesh) => {
      for (const word of words) {
        const [, gone, type, name = '', content, children] =
          /^(-?)(\w+) ([^=>]*)(?:=([^>]*))?(?:>(.*))?$/.exec(word) ?? [];
        if (type === undefined) throw new Error(`not a word: ${word}`);
        if (gone === '-') mesh.remove(type as ResourceTypeName, name);
        else {
          mesh.put(type as ResourceTypeName, name, `${name}=${content ?? ''}`, {
            children: children?.split(',') ?? [],
          });
        }
      }
    });
  }

  peer(variant: Variant, nodeId: string = aNodeId): TracePeer {
    const peer = new TracePeer(this, variant, { id: nodeId });
    this.#peers.push(peer);
    return peer;
  }

  /** Every client leaves: no response was wrong in form, nobody has more to hear, and the server has forgotten them. */
  finish(): void {
    for (const peer of this.#peers) {
      if (peer.hasConfirmedAll) peer.isSilentFor(30_000);
      else expect(peer.hears()).toEqual([]);
      peer.leave();
    }
    expect(this.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  }
}

export class TracePeer {
  readonly variant: Variant;
  readonly node: envoy.Node;
  readonly #world: TraceWorld;
  readonly #lines = new Map<string, Line>();
  readonly #memories = new Map<string, Memory>();
  /** Names of which the client has heard or asked, or of which it said that it holds something; `type name`. */
  readonly #mentioned = new Set<string>();
  #unanswered: Heard[] = [];

  constructor(world: TraceWorld, variant: Variant, node: envoy.Node) {
    this.#world = world;
    this.variant = variant;
    this.node = node;
  }

  get isDelta(): boolean {
    return this.variant.wire === 'delta';
  }

  /** Whether everything that came was answered. */
  get hasConfirmedAll(): boolean {
    return this.#unanswered.length === 0;
  }

  /** Sends a request with exactly these fields; the node goes with the first of a stream. */
  send(type: string, fields: Fields = {}): void {
    if (fields.resourceNames !== undefined) this.memory(type).names = fields.resourceNames;
    const line = this.#line(type);
    const node = line.hasSaidWho ? {} : { node: this.node };
    line.hasSaidWho = true;
    this.sendBare(type, { ...node, ...fields });
  }

  /** Sends a request as it is, without a node. */
  sendBare(type: string, fields: Fields): void {
    const line = this.#line(type);
    const names = [
      ...(fields.resourceNamesSubscribe ?? []),
      ...(fields.resourceNamesUnsubscribe ?? []),
      ...Object.keys(fields.initialResourceVersions ?? {}),
    ];
    for (const name of names) this.#mentioned.add(`${type} ${name}`);
    const message = this.isDelta
      ? encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', { ...fields, typeUrl: typeUrlNamed(type) })
      : encode('envoy.service.discovery.v3.DiscoveryRequest', { ...fields, typeUrl: typeUrlNamed(type) });
    line.transport.onMessageBytes(message);
  }

  /** First request of a type. */
  ask(type: string, ...names: readonly string[]): void {
    this.#memories.set(type, { names, nonce: '', version: '' });
    this.send(type, this.isDelta ? { resourceNamesSubscribe: names } : { resourceNames: names });
  }

  subscribe(type: string, ...names: readonly string[]): void {
    const memory = this.memory(type);
    memory.names = [...memory.names, ...names];
    this.send(type, this.isDelta ? { resourceNamesSubscribe: names } : listOf(memory));
  }

  unsubscribe(type: string, ...names: readonly string[]): void {
    const memory = this.memory(type);
    memory.names = memory.names.filter((name) => !names.includes(name));
    this.send(type, this.isDelta ? { resourceNamesUnsubscribe: names } : listOf(memory));
  }

  /** What came, in the order of sending; in words. The order within a response is nobody's business. */
  hears(): readonly string[] {
    return this.hearsAll().map(({ type, resources, removed }) =>
      [type, ...resources.toSorted(), ...removed.toSorted().map((name) => `-${name}`)].join(' '),
    );
  }

  hearsAll(): Heard[] {
    this.#world.clock.settle();
    const heard = [...this.#lines.values()].flatMap((line) =>
      line.transport.messages.splice(0).map((message) => this.#check(line, this.#read(message))),
    );
    for (const each of heard) {
      this.#unanswered.push(each);
      this.memory(each.type).nonce = each.nonce;
    }
    return heard;
  }

  /** Confirms what it has heard and not answered yet, of a type or of all. */
  ack(type?: string): void {
    for (const heard of this.#takeUnanswered(type)) {
      const memory = this.memory(heard.type);
      memory.version = heard.version;
      memory.nonce = heard.nonce;
      this.send(heard.type, this.isDelta ? { responseNonce: heard.nonce } : listOf(memory));
    }
  }

  /** Refuses what it has heard of a type. @param others further fields of the request */
  nack(type: string, message: string, others: Fields = {}): void {
    for (const heard of this.#takeUnanswered(type)) {
      const errorDetail = { code: 13, message };
      const rest = this.isDelta ? { responseNonce: heard.nonce } : listOf(this.memory(type));
      this.send(type, { ...rest, errorDetail, ...others });
    }
  }

  /** Hears and confirms until nothing more comes. */
  hearsAndAcks(): readonly string[] {
    const all: string[] = [];
    for (let lines = this.hears(); lines.length > 0; lines = this.hears()) {
      all.push(...lines);
      this.ack();
    }
    return all;
  }

  /** Milliseconds in which nothing may come. */
  isSilentFor(milliseconds: number): void {
    this.#world.clock.advance(milliseconds);
    expect(this.hears()).toEqual([]);
  }

  /** Boots as Envoy does, with these names of load assignments and routes, and confirms everything. */
  boots({
    endpoints,
    routes,
  }: {
    readonly endpoints: readonly string[];
    readonly routes: readonly string[];
  }): readonly string[] {
    this.ask('cluster');
    const all = [...this.hearsAndAcks()];
    this.ask('endpoints', ...endpoints);
    all.push(...this.hearsAndAcks());
    this.ask('listener');
    all.push(...this.hearsAndAcks());
    this.ask('routes', ...routes);
    return [...all, ...this.hearsAndAcks()];
  }

  memory(type: string): Memory {
    let memory = this.#memories.get(type);
    if (memory === undefined) {
      memory = { names: [], nonce: '', version: '' };
      this.#memories.set(type, memory);
    }
    return memory;
  }

  /** How the server ended the stream of a type; undefined while it is open. */
  endOf(type: string): { readonly status: StatusName; readonly detail: string } | undefined {
    return this.#line(type).transport.closed;
  }

  /** Sends bytes that need be no request at all. */
  sendBytes(type: string, bytes: Uint8Array): void {
    this.#line(type).transport.onMessageBytes(bytes);
  }

  /** Whether the connection takes no more; `false` lets the server go on. */
  stall(type: string, isFull: boolean): void {
    const { transport } = this.#line(type);
    transport.isFull = isFull;
    if (!isFull) transport.onDrained();
  }

  leave(reason: CloseReason = { kind: 'half-closed' }): void {
    for (const { transport } of this.#lines.values()) transport.onClosed(reason);
    this.#lines.clear();
    this.#unanswered = [];
  }

  #takeUnanswered(type: string | undefined): readonly Heard[] {
    const taken = this.#unanswered.filter((heard) => type === undefined || heard.type === type);
    this.#unanswered = this.#unanswered.filter((heard) => !taken.includes(heard));
    return taken;
  }

  #line(type: string): Line {
    const key = this.variant.isAds ? 'ads' : type;
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { transport: new TracedTransport(), hasSaidWho: false, nonces: new Set() };
      this.#lines.set(key, line);
      const only = this.variant.isAds ? undefined : typeUrlNamed(type);
      this.#world.server.accept(line.transport, this.variant.wire, { only });
    }
    return line;
  }

  #read(message: Uint8Array): Heard {
    return this.isDelta ? readDelta(message) : readSotw(message);
  }

  /** What holds of every response of every trace (xds-protocol X27, X42, X43). */
  #check(line: Line, heard: Heard): Heard {
    const { type, nonce, resources, removed } = heard;
    const names = resources.map(nameOf);
    for (const name of names) this.#mentioned.add(`${type} ${name}`);
    const faults = [
      ...(type === '' || nonce === '' ? ['a response without a type or a nonce'] : []),
      ...(line.nonces.has(nonce) ? [`the nonce ${nonce} for the second time`] : []),
      ...(new Set([...names, ...removed]).size < names.length + removed.length ? ['a name twice'] : []),
      ...removed.filter((name) => !this.#mentioned.has(`${type} ${name}`)),
    ];
    expect(faults).toEqual([]);
    line.nonces.add(nonce);
    return heard;
  }
}

/** The list of a state-of-the-world client, with what it has accepted. */
function listOf({ names, version, nonce }: Memory): Fields {
  return { resourceNames: names, versionInfo: version, responseNonce: nonce };
}

function nameOf(resource: string): string {
  return resource.slice(0, resource.indexOf('='));
}

function readDelta(message: Uint8Array): Heard {
  const response = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message);
  const { typeUrl = '', resources = [] } = response;
  const misshapen = resources.filter(
    ({ name = '', version = '', resource, aliases = [] }) =>
      version === '' ||
      (resource === undefined
        ? shortName(typeUrl) !== 'virtualHosts' || aliases.join() !== name
        : resource.typeUrl !== typeUrl || aliases.length > 0 || nameOf(textOf(resource)) !== name),
  );
  expect(misshapen).toEqual([]);
  return {
    ...headOf(response, message),
    version: response.systemVersionInfo ?? '',
    resources: resources.map(({ name = '', resource }) => (resource === undefined ? `${name}=` : textOf(resource))),
    versions: Object.fromEntries(resources.map(({ name = '', version = '' }) => [name, version])),
    removed: response.removedResources ?? [],
  };
}

function readSotw(message: Uint8Array): Heard {
  const response = decode('envoy.service.discovery.v3.DiscoveryResponse', message);
  const { typeUrl, resources = [], versionInfo = '' } = response;
  expect(resources.filter((any) => any.typeUrl !== typeUrl)).toEqual([]);
  expect(versionInfo).not.toBe('');
  return {
    ...headOf(response, message),
    version: versionInfo,
    resources: resources.map(textOf),
    versions: {},
    removed: [],
  };
}

function headOf(
  { typeUrl = '', nonce = '', controlPlane }: envoy.DeltaDiscoveryResponse | envoy.DiscoveryResponse,
  message: Uint8Array,
) {
  return {
    type: shortName(typeUrl),
    nonce,
    controlPlane: controlPlane?.identifier ?? '',
    bytes: message.length,
  };
}

function textOf(any: envoy.Any | undefined): string {
  return Buffer.from(any?.value ?? []).toString();
}
