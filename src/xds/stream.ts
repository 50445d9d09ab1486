import type { Caller } from '../identity/caller.ts';
import { describeError } from '../observe/log.ts';
import { askerOf, authorize } from './authorization.ts';
import type { ProxyScopes } from '../model/scope.ts';
import type { Flight, Publication, Settlement } from './flight.ts';
import type { Urgency } from './flush-queue.ts';
import { Gates } from './gates.ts';
import { Heartbeats } from './heartbeats.ts';
import { reportSettlement, type StreamFacts, type Wire } from './observer.ts';
import { nextMoment, overdueResponses } from './moments.ts';
import { NodeDoubts } from './node-doubts.ts';
import { removalWaitsFor, responseLimitOf, warmingRules } from './order.ts';
import { wishOf } from './preparation.ts';
import type { DiscoveryRequest } from './requests.ts';
import {
  agentHealth,
  isScopedType,
  resourceTypeByName,
  resourceTypeByUrl,
  unservedType,
  type SubscribedType,
} from './resource-types.ts';
import { proxyStatus, type ProxyStatus } from './status.ts';
import { SecretView } from './secrets.ts';
import { StreamRefusal, type Identified, type StreamHost } from './stream-host.ts';
import { readRequest, WaitingMessages } from './stream-requests.ts';
import { Subscription, type Response } from './subscription.ts';
import type { CloseReason, StatusName, StreamTransport } from './transport/transport.ts';
import { TypeOnStream } from './type-on-stream.ts';
import { StoreView } from './view.ts';

/** A stream holds so many types and, of each, so many names: what a client makes up costs memory here (hot-path H203). */
const mostTypes = 64;
const mostNames = 250_000;

/** A proxy that has said who it is. */
interface Identity extends Identified {
  readonly facts: StreamFacts;
  readonly doubts: NodeDoubts;
}

/**
 * One stream, of all types (ADS) or of one: requests in, responses out. Requests change subscriptions and never send; `flush` sends,
 * type by type in their order, what gates and the transport let through.
 */
export class XdsStream {
  readonly #transport: StreamTransport;
  readonly #wire: Wire;
  readonly #only: string | undefined;
  readonly #caller: Caller | undefined;
  readonly #host: StreamHost;
  readonly #connectedAt: number;
  readonly #gates: Gates;
  #identity: Identity | undefined;
  /** In ascending order of rank. */
  #subscriptions: Subscription[] = [];
  readonly #views = new Map<Subscription, StoreView | SecretView>();
  #isWritable = true;
  #isOpen = true;
  #isFirstAnswer = true;
  /** Of the last response. */
  #lastNumber = 0;
  #cancelAlarm: (() => void) | undefined;
  /** While a request is being prepared. */
  #waiting: WaitingMessages | undefined;
  /** Nonce of the last response whose missing ACK was reported. */
  #reportedOverdue: string | undefined;

  /**
   * @param only type URL of the one type that the stream carries; undefined: it carries all of them
   * @param caller whose credential holds; undefined: nobody knows who calls
   */
  constructor(
    transport: StreamTransport,
    wire: Wire,
    { only, caller }: { readonly only: string | undefined; readonly caller: Caller | undefined },
    host: StreamHost,
  ) {
    this.#transport = transport;
    this.#wire = wire;
    this.#only = only;
    this.#caller = caller;
    this.#host = host;
    this.#connectedAt = host.clock.now();
    this.#gates = new Gates((type) => this.#find(type), this.#connectedAt, only !== undefined);
    transport.onMessage((message) => this.#guard(() => this.#take(message)));
    transport.onDrain(() => {
      this.#isWritable = true;
      this.queue('answer');
    });
    transport.onClose((reason) => this.#closed(reason));
  }

  /** Bytes that the transport holds. */
  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }

  /** Empty before the first request was accepted. */
  get nodeId(): string {
    return this.#identity?.proxy.nodeId ?? '';
  }

  /** undefined before the first request was accepted. */
  status(): ProxyStatus | undefined {
    if (this.#identity === undefined) return undefined;
    const { proxy, scopes } = this.#identity;
    const { peer } = this.#transport;
    const connection = { proxy, peer, connectedAt: this.#connectedAt, wire: this.#wire, scopes: scopes.value };
    return proxyStatus(connection, this.#subscriptions, this.#host.clock);
  }

  /** Ends the stream and everything it holds. */
  close(status: StatusName, message: string): void {
    if (!this.#isOpen) return;
    this.#release(message);
    this.#transport.close(status, message);
  }

  // --- requests ---

  #take(message: Uint8Array): void {
    if (!this.#isOpen) return;
    if (this.#waiting !== undefined) this.#waiting.add(message);
    else this.#receive(readRequest(message, this.#wire, this.#only));
  }

  #receive(request: DiscoveryRequest): void {
    if (request.typeUrl === agentHealth) return;
    if (this.#identity === undefined) this.#identity = this.#identify(request.node);
    else if (request.node !== undefined) this.#identity.bond.renamed(this.#host.readNode(request.node));
    const subscription = this.#subscriptionTo(request.typeUrl);
    if (!this.#prepare(request, subscription)) this.#carryOut(request, subscription);
  }

  /** Has what is asked for worked out first where that takes long. Whether it does. */
  #prepare(request: DiscoveryRequest, subscription: Subscription): boolean {
    const wish = wishOf(request, subscription);
    if (wish === undefined || wish.names.length > mostNames || this.#identity === undefined) return false;
    const { type } = subscription;
    const scopes = scopesFor(type, this.#identity.scopes.value);
    const cancel = this.#host.preparations.begin({ ...wish, type: type.name, scopes }, () =>
      this.#guard(() => this.#resume(request, subscription)),
    );
    this.#waiting = cancel && new WaitingMessages(cancel);
    return cancel !== undefined;
  }

  #resume(request: DiscoveryRequest, subscription: Subscription): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.#carryOut(request, subscription);
    for (const message of waiting) this.#take(message);
  }

  #carryOut(request: DiscoveryRequest, subscription: Subscription): void {
    const hadWork = subscription.hasWork;
    const now = this.#host.clock.now();
    const settlement = subscription.receive(request, now, this.#host.store.sequence);
    if (subscription.named.size > mostNames) throw beyond(`${mostNames} names of ${request.typeUrl} are subscribed`);
    this.#identity?.doubts.settled(subscription, settlement);
    this.#report(subscription, settlement);
    // Most requests are ACKs, and most ACKs leave nothing to do.
    if (subscription.nextMoment(now) === Infinity && !this.#subscriptions.some((each) => each.hasWork)) return;
    // What changed while a response was unconfirmed is a change still; all else is what the client asked for.
    const isChange = settlement.kind !== 'none' && hadWork && subscription.type.name === 'endpoints';
    this.queue(isChange ? 'endpoints' : 'answer');
  }

  #identify(node: Uint8Array | undefined): Identity {
    // On other streams they have no place: Envoy takes them by incremental xDS, and is told here to ask on this stream (X77).
    const carriesVirtualHosts = this.#wire === 'delta' && this.#only === undefined;
    const identified = this.#host.identify({
      node,
      caller: this.#caller,
      carriesVirtualHosts,
      broken: (refusal) => this.#refuse(refusal),
      scopesChanged: (scopes, publication) => this.#adoptScopes(scopes, publication),
    });
    const { proxy } = identified;
    const facts = { proxy: proxy.key, nodeId: proxy.nodeId, address: this.#transport.peer.address, wire: this.#wire };
    this.#host.observer.connected(facts);
    const doubts = new NodeDoubts(this.#host.taint, proxy.nodeId, this.#wire);
    return { ...identified, facts, doubts };
  }

  #subscriptionTo(typeUrl: string): Subscription {
    const known = this.#subscriptions.find(({ type }) => type.typeUrl === typeUrl);
    if (known !== undefined) return known;
    if (this.#subscriptions.length === mostTypes) throw beyond(`${mostTypes} types are subscribed on one stream`);
    return this.#subscribe(resourceTypeByUrl(typeUrl) ?? unservedType(typeUrl));
  }

  #subscribe(type: SubscribedType): Subscription {
    const place = new TypeOnStream(this, type.name === 'endpoints' ? 'endpoints' : 'structure');
    const view = this.#viewOf(type, place);
    const subscription = new Subscription({
      type,
      wire: this.#wire,
      view,
      tainted: () => this.#identity?.doubts.of(type.name) ?? new Map(),
      heartbeats: this.#takesExpiry ? new Heartbeats(this.#host.random) : undefined,
    });
    place.subscription = subscription;
    this.#views.set(subscription, view);
    this.#subscriptions = [...this.#subscriptions, subscription].sort((a, b) => a.type.rank - b.type.rank);
    return subscription;
  }

  #viewOf(type: SubscribedType, owner: TypeOnStream): StoreView | SecretView {
    const identity = this.#identity;
    if (type.name === 'secret' && identity !== undefined) {
      return new SecretView({ ...identity, caller: this.#caller, host: this.#host, owner });
    }
    const { kind } = authorize(askerOf(this.#caller), { kind: 'type', type: type.name });
    const scopes = kind === 'denied' || identity === undefined ? [] : scopesFor(type, identity.scopes.value);
    return new StoreView(this.#host.store, type.name, scopes, owner);
  }

  get #takesExpiry(): boolean {
    return this.#identity?.features.expiry[this.#wire] === true;
  }

  /** Called inside a commit: the proxy belongs elsewhere now (hot-path H215). */
  #adoptScopes(scopes: ProxyScopes, publication: Publication): void {
    for (const [{ type }, view] of this.#views) view.setScopes(scopesFor(type, scopes), publication);
  }

  #report({ type }: Subscription, settlement: Settlement): void {
    if (this.#identity === undefined) return;
    reportSettlement(this.#host.observer, this.#identity.facts, type.name, settlement, this.#host.clock.now());
  }

  // --- responses ---

  /** Sends what may be sent now. */
  flush(): void {
    this.#guard(() => {
      if (!this.#isOpen) return;
      const now = this.#host.clock.now();
      this.#gates.begin();
      for (const subscription of this.#subscriptions) this.#flushType(subscription, now);
      // What a removal waits for may have turned out to be nothing.
      for (const name of removalWaitsFor.keys()) {
        const waiting = this.#find(name);
        if (waiting !== undefined) this.#flushType(waiting, now);
      }
      this.#setAlarm(now);
    });
  }

  #flushType(subscription: Subscription, now: number): void {
    if (!this.#isWritable || !subscription.maySend(now)) return;
    const responses = this.#host.responses.of(this.#wire, subscription.type.typeUrl);
    while (this.#isWritable && subscription.maySend(now)) {
      const response = subscription.take({
        now,
        sequence: this.#host.store.sequence,
        encode: (content) =>
          subscription.type.isPrivate
            ? responses.encodeAlone(content, this.#takesExpiry)
            : responses.encode(content, this.#takesExpiry, this.#lastNumber),
        limit: responseLimitOf(subscription.type.name),
        mayAdd: (resource) => this.#gates.mayAdd(subscription, resource, now),
        mayRemove: (departure) => this.#gates.mayRemove(subscription, departure, now),
      });
      if (response === undefined) return;
      this.#isFirstAnswer = false;
      this.#send(subscription, response);
      this.#warm(subscription, response, now);
    }
  }

  #send({ type }: Subscription, { flight, encoded }: Response): void {
    const { number, parts, bytes } = encoded;
    this.#lastNumber = number;
    this.#isWritable = this.#transport.send(parts, bytes);
    const stream = this.#identity?.facts;
    if (stream === undefined) return;
    this.#host.observer.pushed({
      stream,
      type: type.name,
      nonce: flight.nonce,
      resources: flight.resources.length,
      removed: flight.removed.length,
      bytes,
      changes: flight.publications.length,
    });
  }

  /** What changed resources refer to goes after them: at once, since its turn is later in the same flush. */
  #warm({ type }: Subscription, { changed, flight }: Response, now: number): void {
    // On streams of one type the client asks for what follows on another.
    if (this.#only !== undefined) return;
    for (const { parent, child, namesIn, anticipates } of warmingRules) {
      if (parent !== type.name) continue;
      for (const resource of changed) {
        const names = namesIn(resource);
        if (names.length > 0) this.#child(child)?.force(names, resource.name, anticipates, now);
      }
      this.#find(child)?.stopAnticipating(flight.removed);
    }
  }

  #child(typeName: string): Subscription | undefined {
    const type = resourceTypeByName(typeName);
    return type && this.#subscriptionTo(type.typeUrl);
  }

  #find(typeName: string): Subscription | undefined {
    return this.#subscriptions.find(({ type }) => type.name === typeName);
  }

  /** There is something to send. */
  queue(urgency: Urgency): void {
    if (this.#isOpen) this.#host.queue.add(this, this.#isFirstAnswer ? 'first' : urgency);
  }

  // --- time ---

  /** Comes back when time alone lets something through. */
  #setAlarm(now: number): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
    const next = nextMoment(this.#subscriptions, this.#gates, now);
    if (next === Infinity) return;
    this.#cancelAlarm = this.#host.clock.after(Math.ceil(next - now), () => this.queue('answer'));
  }

  /** Responses on their way, the oldest of each type first. */
  *unanswered(): Generator<Flight, void> {
    for (const { deliveries } of this.#subscriptions) yield* deliveries.outstanding;
  }

  /** Reports responses that have waited for their ACK too long. The stream goes on: a warming proxy is not to be disturbed (X69). */
  reportOverdue(now: number): void {
    const stream = this.#identity?.facts;
    if (stream === undefined) return;
    for (const { type, nonce } of overdueResponses(this.#subscriptions, now)) {
      if (this.#reportedOverdue === nonce) continue;
      this.#reportedOverdue = nonce;
      this.#host.observer.overdue(stream, type, nonce);
    }
  }

  // --- the end ---

  /** A fault in one stream ends that stream and nothing else. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#refuse(error instanceof StreamRefusal ? error : internalError(error));
    }
  }

  #refuse({ status, message, reason, detail }: StreamRefusal): void {
    if (!this.#isOpen) return;
    const { address } = this.#transport.peer;
    this.#host.observer.refused({ address, nodeId: this.nodeId, status, reason, message: detail });
    this.close(status, message);
  }

  #closed(reason: CloseReason): void {
    this.#release(reason.kind === 'broken' ? reason.detail : reason.kind);
    if (reason.kind === 'half-closed') this.#transport.close('OK', '');
  }

  #release(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelAlarm?.();
    this.#waiting?.cancel();
    this.#host.queue.remove(this);
    for (const view of this.#views.values()) view.close();
    this.#views.clear();
    this.#identity?.doubts.ended(this.#subscriptions);
    this.#subscriptions = [];
    this.#identity?.scopes.stop();
    this.#identity?.bond.release();
    if (this.#identity !== undefined) this.#host.observer.disconnected(this.#identity.facts, reason);
    this.#host.ended(this, this.#identity?.proxy);
    this.#identity = undefined;
  }
}

function beyond(limit: string): StreamRefusal {
  return new StreamRefusal('RESOURCE_EXHAUSTED', `more than ${limit}`, 'limit');
}

/** What went wrong is for the log; the client hears that something did (reliability S41). */
function internalError(error: unknown): StreamRefusal {
  return new StreamRefusal('INTERNAL', 'internal error', 'internal', describeError(error));
}

function scopesFor({ name }: SubscribedType, scopes: ProxyScopes): readonly string[] {
  return isScopedType(name) ? scopes[name] : [];
}
