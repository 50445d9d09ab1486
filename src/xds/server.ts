import type { Caller } from '../identity/caller.ts';
import { proxies } from '../model/tables.ts';
import type { Watch } from '../incremental/commit.ts';
import type { Query, Table } from '../incremental/definitions.ts';
import { ReadFailure } from '../incremental/commit.ts';
import type { Engine } from '../incremental/engine.ts';
import { proxyKey, type ProxyKey } from '../model/keys.ts';
import type { SecretOrigin } from '../model/identity.ts';
import type { Proxy } from '../model/proxy.ts';
import type { Provenance } from '../model/provenance.ts';
import type { ProxyScopes } from '../model/scope.ts';
import { featuresOf } from './client-features.ts';
import type { Clock } from './clock.ts';
import { bindCredential, noBond } from './credential-bond.ts';
import type * as envoy from './envoy.ts';
import type { Publication } from './flight.ts';
import { FlushQueue, unpaced, type Pacing } from './flush-queue.ts';
import type { ResourceQueries } from './group.ts';
import { beyondNodeLimits } from './node-limits.ts';
import { isBehindAgent, isNodeError, proxyOfNode } from './node.ts';
import { noObserver, type Wire, type XdsObserver } from './observer.ts';
import { Preparations } from './preparation.ts';
import { programmingOf, type Programming, type Report } from './programming.ts';
import { decode } from './proto.ts';
import type { ProxyStatus } from './status.ts';
import { ResponseCache } from './response-cache.ts';
import { noSecrets, type SecretSource } from './secrets.ts';
import { ResourceStore, type StoreSize } from './store.ts';
import { StreamRefusal, type Identified, type Introduction, type StreamHost } from './stream-host.ts';
import { XdsStream } from './stream.ts';
import { TaintedNames } from './taint.ts';
import type { StreamTransport } from './transport/transport.ts';

export interface XdsServerOptions {
  readonly engine: Engine;
  readonly queries: ResourceQueries & {
    /** The scopes whose resources make up a proxy's view. */
    readonly scopes: Query<ProxyKey, ProxyScopes>;
  };
  readonly clock: Clock;
  readonly observer?: XdsObserver;
  /** How changes are gathered; by default each goes as soon as it may. */
  readonly pacing?: Pacing;
  /** Absent: there are none for anybody. */
  readonly secrets?: SecretSource;
  /** Names the instance and build in every response (xds-protocol X13), for example `weir-0/0.1.0`. */
  readonly identifier: string;
  /** From 0 to below 1: spreads what would go to all clients at once. Without it nothing is spread. */
  readonly random?: () => number;
}

/** What is on its way to the clients: all of it 0 when nothing changes, but for the window. */
export interface ServerLoad {
  /** Streams that have something to send and wait for their turn or for the end of a window. */
  readonly waiting: number;
  /** Milliseconds for which changes are gathered now. */
  readonly window: number;
  /** Bytes that were handed to transports and are not on their way yet (hot-path H503). */
  readonly queuedBytes: number;
  /** Bytes of responses that are remembered for streams that may be sent the same. */
  readonly sharedBytes: number;
  /** Responses that were sent and have neither ACK nor NACK yet. */
  readonly unanswered: number;
  /** Milliseconds since the oldest of them was sent; 0 without one. */
  readonly oldestUnanswered: number;
}

/** What the server holds: all of it 0 when nobody is connected. */
export interface ServerSize extends StoreSize {
  readonly streams: number;
}

/** Milliseconds between looks for ACKs that are missing. */
const overdueInterval = 10_000;

/** Serves resources to proxies over whatever transport brings their streams. */
export class XdsServer {
  readonly #engine: Engine;
  readonly #scopes: Query<ProxyKey, ProxyScopes>;
  readonly #resource: ResourceQueries['resource'];
  readonly #clock: Clock;
  readonly #observer: XdsObserver;
  readonly #store: ResourceStore;
  readonly #taint: TaintedNames;
  readonly #streams = new Set<XdsStream>();
  readonly #host: StreamHost;
  #isOpen = false;
  #isClosing = false;
  #streamsSeen = 0;
  #cancelOverdue: (() => void) | undefined;

  constructor({
    engine,
    queries,
    clock,
    observer = noObserver,
    pacing = unpaced,
    secrets = noSecrets,
    identifier,
    random = () => 0,
  }: XdsServerOptions) {
    this.#engine = engine;
    this.#scopes = queries.scopes;
    this.#resource = queries.resource;
    this.#clock = clock;
    this.#observer = observer;
    this.#store = new ResourceStore(engine, queries, () => clock.now());
    this.#taint = new TaintedNames(clock);
    this.#host = {
      store: this.#store,
      clock,
      observer,
      queue: new FlushQueue(clock, pacing),
      preparations: new Preparations(this.#store, clock),
      taint: this.#taint,
      random,
      responses: new ResponseCache(clock, identifier),
      secrets,
      identify: (introduction) => this.#identify(introduction),
      readNode: (node) => proxyOfNode(decodeNode(node), proxyKey),
      ended: (stream, proxy) => this.#ended(stream, proxy),
    };
  }

  /** Serves from now on. Before, streams are refused: an empty view would make a proxy drop what it has (xds-protocol X9). */
  open(): void {
    this.#isOpen = true;
  }

  get load(): ServerLoad {
    const { queue, responses } = this.#host;
    const now = this.#clock.now();
    let [queuedBytes, unanswered, oldestUnanswered] = [0, 0, 0];
    for (const stream of this.#streams) {
      queuedBytes += stream.queuedBytes;
      for (const { sentAt } of stream.unanswered()) {
        unanswered++;
        oldestUnanswered = Math.max(oldestUnanswered, now - sentAt);
      }
    }
    const sharedBytes = responses.size.bytes;
    return { waiting: queue.size, window: queue.window, queuedBytes, sharedBytes, unanswered, oldestUnanswered };
  }

  get size(): ServerSize {
    return { streams: this.#streams.size, ...this.#store.size };
  }

  /** Names of which clients do not know what they run (xds-protocol X304), and how many were forgotten because there were too many. */
  get taint(): { readonly names: number; readonly dropped: number } {
    return { names: this.#taint.size, dropped: this.#taint.dropped };
  }

  /** The proxies that are connected and have said who they are. */
  proxies(): readonly ProxyStatus[] {
    return [...this.#streams].map((stream) => stream.status()).filter((status) => status !== undefined);
  }

  /**
   * How far what follows from a row has come. Costs as much as there are resources of it and proxies that get them.
   *
   * @param made whether a resource has an object with this key among its makers
   */
  programming<Key extends string, Row>(
    table: Table<Key, Row>,
    key: Key,
    made: (object: Provenance) => boolean,
  ): Programming {
    const { changedAt, keys } = this.#engine.consequences(table, key, this.#resource);
    return programmingOf(this.#reports(keys, changedAt, made));
  }

  *#reports(keys: readonly string[], since: number, made: (object: Provenance) => boolean): Generator<Report> {
    for (const key of keys) {
      const resource = this.#engine.read(this.#resource, key);
      if (resource?.provenance.some(made) !== true) continue;
      for (const onlooker of this.#store.wanting(key)) yield onlooker.report(resource.name, since);
    }
  }

  /**
   * Takes over a new stream.
   *
   * @param only type URL of the one type of a service that has only one; undefined: all types (ADS)
   * @param caller whose credential holds; undefined: nobody knows who calls
   */
  accept(
    transport: StreamTransport,
    wire: Wire,
    { only, caller }: { readonly only?: string | undefined; readonly caller?: Caller | undefined } = {},
  ): void {
    if (!this.#isOpen || this.#isClosing) {
      const message = this.#isClosing
        ? 'the control plane is shutting down'
        : 'the control plane has not read all of its sources yet';
      const { address } = transport.peer;
      this.#observer.refused({ address, nodeId: '', status: 'UNAVAILABLE', reason: 'not-ready', message });
      transport.close('UNAVAILABLE', message);
      return;
    }
    this.#streams.add(new XdsStream(transport, wire, { only, caller }, this.#host));
    this.#watchOverdue();
  }

  /** Ends all streams and takes no more. */
  close(): void {
    this.#isClosing = true;
    this.#cancelOverdue?.();
    for (const stream of [...this.#streams]) stream.close('UNAVAILABLE', 'the control plane is shutting down');
    this.#host.responses.close();
  }

  #identify({ node: bytes, caller, carriesVirtualHosts, broken, scopesChanged }: Introduction): Identified {
    if (bytes === undefined) {
      throw new StreamRefusal('INVALID_ARGUMENT', 'the first request of the stream has no node');
    }
    const number = ++this.#streamsSeen;
    const node = decodeNode(bytes);
    const said = proxyOfNode(node, (nodeId) => proxyKey(`${nodeId}#${number}`));
    if (isNodeError(said)) throw new StreamRefusal('INVALID_ARGUMENT', said.problems.join('; '));
    // Before anything is built for it (istio-compat I247).
    const bond =
      caller === undefined
        ? noBond
        : bindCredential({ engine: this.#engine, clock: this.#clock, caller, proxy: said, broken });
    const proxy: Proxy = {
      ...said,
      ...(caller === undefined ? {} : { serviceAccount: caller.identity.serviceAccount }),
      takesVirtualHosts: said.takesVirtualHosts && carriesVirtualHosts,
      secrets: this.#secretOriginOf(node, caller),
    };
    this.#engine.batch({ source: 'xds', at: this.#clock.now() }, (write) => write.put(proxies, proxy));
    try {
      return { proxy, features: featuresOf(node), bond, scopes: this.#followScopes(proxy, scopesChanged) };
    } catch (error) {
      bond.release();
      throw error;
    }
  }

  #secretOriginOf(node: envoy.Node, caller: Caller | undefined): SecretOrigin {
    if (caller === undefined || this.#host.secrets === noSecrets) return 'none';
    return isBehindAgent(node) ? 'agent' : 'stream';
  }

  #followScopes(proxy: Proxy, changed: (scopes: ProxyScopes, publication: Publication) => void): Watch<ProxyScopes> {
    const watch = this.#engine.watch(this.#scopes, proxy.key, (scopes, commit) =>
      changed(scopes, this.#store.publicationOf(commit)),
    );
    try {
      void watch.value;
      return watch;
    } catch (error) {
      watch.stop();
      this.#forgetProxy(proxy);
      if (!(error instanceof ReadFailure)) throw error;
      // Without scopes its view would be empty, and it would drop what it has.
      throw new StreamRefusal('UNAVAILABLE', `what this proxy may see could not be worked out: ${error.message}`);
    }
  }

  #ended(stream: XdsStream, proxy: Proxy | undefined): void {
    this.#streams.delete(stream);
    if (proxy !== undefined) this.#forgetProxy(proxy);
  }

  #forgetProxy(proxy: Proxy): void {
    this.#engine.batch({ source: 'xds', at: this.#clock.now() }, (write) => write.remove(proxies, proxy.key));
  }

  #watchOverdue(): void {
    this.#cancelOverdue ??= this.#clock.after(overdueInterval, () => {
      this.#cancelOverdue = undefined;
      const now = this.#clock.now();
      for (const stream of this.#streams) stream.reportOverdue(now);
      if (this.#streams.size > 0 && !this.#isClosing) this.#watchOverdue();
    });
  }
}

function decodeNode(bytes: Uint8Array): envoy.Node {
  const excess = reading(() => beyondNodeLimits(bytes));
  if (excess !== undefined) throw new StreamRefusal('RESOURCE_EXHAUSTED', excess, 'limit');
  return reading(() => decode('envoy.config.core.v3.Node', bytes));
}

/** @throws StreamRefusal for whatever reading the node throws */
function reading<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new StreamRefusal('INVALID_ARGUMENT', `the node is malformed: ${String(error)}`);
  }
}
