import { interestChange, type Names } from './differ.ts';
import { Deliveries } from './deliveries.ts';
import { namesOf, nackOf, type Flight, type Nack, type Publication, type Settlement } from './flight.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { Wire } from './observer.ts';
import { Outbox, type Departure, type SelectOptions, type View } from './outbox.ts';
import { standingOf, type Standing } from './programming.ts';
import type { DeltaRequest, DiscoveryRequest, ErrorDetail, SotwRequest } from './requests.ts';
import type { SubscribedType } from './resource-types.ts';
import type { Resource } from './resources.ts';
import type { EncodedResponse, ResponseContent } from './response-cache.ts';
import { heartbeatOf, unsure, type Selection } from './selection.ts';
import type { Doubts } from './taint.ts';

export interface TakeOptions extends SelectOptions {
  readonly now: number;
  /** Sequence of the last commit. */
  readonly sequence: number;
  /** Gives the bytes of a response, with a nonce that is new on the stream. */
  readonly encode: (content: ResponseContent) => EncodedResponse;
}

/** A response to send now. */
export interface Response {
  readonly flight: Flight;
  readonly encoded: EncodedResponse;
  /** Those of its resources that are news to the client: what they refer to has to follow (xds-protocol X60). */
  readonly changed: readonly Resource[];
}

/** Commits whose way to the client is measured in one response. */
const mostPublications = 64;
export interface SubscriptionOptions {
  readonly type: SubscribedType;
  readonly wire: Wire;
  readonly view: View;
  /** Gives the names of which the client does not know what it holds (X304). */
  readonly tainted: () => Doubts;
  /** undefined: the client does not understand that resources expire. */
  readonly heartbeats: Heartbeats | undefined;
}

/**
 * One type on one stream: what the client wants, what it may have to hear, and what is on its way to it. These are three things
 * and none is derived from another (xds-protocol X100, hot-path H211).
 *
 * State of the world and delta differ in how a request is read and in what a response contains, not in what happens between.
 */
export class Subscription {
  readonly type: SubscribedType;
  readonly #wire: Wire;
  readonly #view: View;
  readonly #outbox: Outbox;
  readonly #tainted: () => Doubts;
  readonly #heartbeats: Heartbeats | undefined;

  #started = false;
  #wildcard = false;
  #hasListed = false;
  /** Names included because what refers to them was sent, before the client could ask (X302); with the referring name. */
  readonly #anticipated = new Map<string, string>();
  /** Names to force with the first request (X60). */
  readonly #forcedEarly = new Set<string>();

  /** An answer is due even if there is nothing to say (X15, X41). */
  #answerDue = false;
  #pendingSince: number | undefined;
  #publications: Publication[] = [];

  readonly deliveries: Deliveries;
  #confirmedThrough = -1;
  #lastNack: Nack | undefined;
  /** Through which commit everything was confirmed when the client began to refuse something. */
  #confirmedBeforeRefusal = -1;

  constructor({ type, wire, view, tainted, heartbeats }: SubscriptionOptions) {
    this.type = type;
    this.#wire = wire;
    this.#view = view;
    this.#outbox = new Outbox(type, wire, view);
    this.#tainted = tainted;
    this.#heartbeats = heartbeats;
    this.deliveries = new Deliveries(type.name, wire);
  }

  /** Whether the client has asked for the type: nothing is sent before, since Envoy would neither ACK nor NACK it (X303). */
  get started(): boolean {
    return this.#started;
  }

  get wildcard(): boolean {
    return this.#wildcard;
  }

  get named(): Names {
    return this.#view.named;
  }

  /** What the client refuses; undefined once it has accepted something else for all of it. */
  get lastNack(): Nack | undefined {
    return this.#outbox.unrefused ? undefined : this.#lastNack;
  }

  /** Version of everything that the client should have. */
  get viewVersion(): string {
    return this.#view.version();
  }

  /** Number of resources that the client should have. Counts them. */
  get resourceCount(): number {
    let count = 0;
    for (const _ of this.#view.resources()) count++;
    return count;
  }

  /** Whether something may have to be sent, now or when the slot is free. */
  get hasWork(): boolean {
    return this.#answerDue || !this.#outbox.empty;
  }

  /** Milliseconds of the monotonic clock since when the client lacks something; undefined when it lacks nothing. */
  get pendingSince(): number | undefined {
    const lacks = this.#answerDue || this.#outbox.lacks;
    return this.deliveries.outstanding[0]?.sentAt ?? (lacks ? this.#pendingSince : undefined);
  }

  // --- what the client says ---

  /**
   * Takes a request: settles the response that its nonce names, then changes the subscription. The second happens whatever the first
   * finds, since a stale nonce (X24, X36) or a NACK (X50) does not make the wishes beside it any less current.
   *
   * @param sequence of the last commit
   */
  receive(request: DiscoveryRequest, now: number, sequence: number): Settlement {
    const settlement = this.#settle(request.nonce, request.error, now);
    const first = !this.#started;
    this.#started = true;
    if (request.kind === 'sotw') this.#adoptList(request, first);
    else if (first) this.#begin(request, { sequence, at: now });
    else this.#adoptChanges(request);
    if (this.hasWork) this.#pendingSince ??= now;
    return settlement;
  }

  #settle(nonce: string, error: ErrorDetail | undefined, now: number): Settlement {
    const flight = this.deliveries.answered(nonce, error === undefined, now);
    if (flight === undefined) return { kind: 'none' };
    if (error !== undefined) {
      if (this.#outbox.unrefused) this.#confirmedBeforeRefusal = this.#confirmedThrough;
      const nack = nackOf(flight, error, this.#refuse(flight, error), now);
      this.#lastNack = nack;
      return { kind: 'nacked', flight, nack };
    }
    // A heartbeat says nothing of what else the client holds.
    if (flight.isHeartbeat) return { kind: 'acked', flight };
    this.#outbox.accepted(flight);
    if (this.deliveries.outstanding.length === 0 && this.#outbox.isFlushed) this.#confirmedThrough = flight.sequence;
    return { kind: 'acked', flight };
  }

  /** @returns the names at fault */
  #refuse(flight: Flight, { message }: ErrorDetail): readonly string[] {
    if (!flight.isHeartbeat) return this.#outbox.refused(flight, message, (name) => this.#isWanted(name));
    // It would be refused again.
    this.#heartbeats?.forget(namesOf(flight));
    return namesOf(flight);
  }

  /** First delta request: what the client holds is compared instead of being sent again (X30). */
  #begin(request: DeltaRequest, connection: Departure): void {
    const { subscribe, unsubscribe } = request;
    const held = this.#credibleVersions(request);
    const dropped = new Set(unsubscribe);
    for (const asked of subscribe) {
      if (asked === '*' || dropped.has(asked)) continue;
      const name = this.#view.follow(asked);
      const version = this.#view.resource(name)?.version;
      const before = held.get(name);
      if (version === undefined || before !== version) this.#outbox.ask(name, before);
      else if (this.#forcedEarly.has(name)) this.#outbox.force(name);
    }
    this.#forcedEarly.clear();
    const legacyWildcard = subscribe.length === 0 && unsubscribe.length === 0 && this.type.wildcardWhenEmpty;
    if (legacyWildcard || (subscribe.includes('*') && !dropped.has('*'))) {
      this.#startWildcard((name) => held.get(name));
    }
    for (const [name, version] of held) {
      if (this.#view.resource(name) === undefined) this.#outbox.takeBack(name, version, connection);
    }
  }

  /** What the client says that it holds, but for the names of which it cannot know (X304). */
  #credibleVersions({ subscribe, held }: DeltaRequest): ReadonlyMap<string, string> {
    const tainted = this.#tainted();
    if (tainted.size === 0) return held;
    const credible = new Map(held);
    const asked = new Set(subscribe);
    // Where removals are not sent, what it does not ask for does not matter.
    for (const [name, settled] of tainted) {
      if (settled !== undefined && held.get(name) === settled) continue;
      if (this.type.removalIsSent || asked.has(name)) credible.set(name, unsure);
    }
    return credible;
  }

  /** Subscribes before it unsubscribes; both of `*` in one message is how some clients say "nothing yet" (X38). */
  #adoptChanges({ subscribe, unsubscribe }: DeltaRequest): void {
    for (const name of subscribe) {
      if (name !== '*') this.#subscribe(name, undefined);
      else if (!unsubscribe.includes('*')) this.#subscribeAll();
    }
    for (const name of unsubscribe) {
      if (name === '*') this.#endWildcard();
      else this.#unsubscribe(name);
    }
  }

  #adoptList({ names, version }: SotwRequest, first: boolean): void {
    // What it held on an earlier stream is not known; a client with a version held something.
    const held = first && version !== '' ? unsure : undefined;
    const before = first
      ? undefined
      : { wildcard: this.#wildcard, named: this.#view.named, hasListed: this.#hasListed };
    const change = interestChange(before, names, this.type.wildcardWhenEmpty);
    this.#hasListed ||= names.length > 0;
    this.#forcedEarly.clear();
    for (const name of change.dropped) this.#drop(name);
    if (!change.wildcard) this.#endWildcard();
    else if (!this.#wildcard) this.#startWildcard(() => held);
    for (const name of change.added) this.#subscribe(name, held);
  }

  /** @param before version that the client holds of a name that it did not want until now */
  #subscribe(name: string, before: string | undefined): void {
    // The answer is on its way already: Envoy asks for what was pushed right behind the cluster that needs it (X302).
    if (this.#anticipated.delete(name)) return;
    const held = this.#isWanted(name) ? this.#outbox.heldVersion(name) : before;
    this.#outbox.ask(this.#view.follow(name), held);
  }

  #subscribeAll(): void {
    if (!this.#wildcard) return this.#startWildcard(() => undefined);
    for (const name of this.#view.names()) this.#outbox.ask(name, this.#outbox.heldVersion(name));
    this.#answerDue = true;
  }

  #unsubscribe(name: string): void {
    if (!this.#view.named.has(name)) return;
    const held = this.#outbox.heldVersion(name);
    this.#drop(name);
    // The client cannot know whether the wildcard still gives it the name (X35).
    if (this.#wildcard) this.#outbox.ask(name, held);
  }

  #drop(name: string): void {
    this.#anticipated.delete(name);
    this.#view.unfollow(name);
    if (!this.#wildcard) this.#outbox.forget(name);
  }

  #startWildcard(heldVersion: (name: string) => string | undefined): void {
    this.#wildcard = true;
    this.#answerDue = true;
    this.#view.followAll();
    for (const name of this.#view.names()) {
      if (this.#view.named.has(name)) continue;
      const version = heldVersion(name);
      if (version === undefined || version !== this.#view.resource(name)?.version) this.#outbox.note(name, version);
    }
  }

  #endWildcard(): void {
    if (!this.#wildcard) return;
    this.#wildcard = false;
    this.#answerDue = false;
    this.#view.unfollowAll();
    this.#outbox.forgetUnless((name) => this.#isWanted(name));
  }

  #isWanted(name: string): boolean {
    return this.#wildcard || this.#view.named.has(name);
  }

  // --- what happens to the resources ---

  /** The view changed under a name. Happens inside a commit: nothing is encoded or sent here (hot-path H210, H217). */
  changed(name: string, previous: Resource | undefined, publication: Publication): void {
    this.#outbox.change(name, previous, publication);
    if (this.#publications.at(-1) !== publication && this.#publications.length < mostPublications) {
      this.#publications.push(publication);
    }
    this.#pendingSince ??= publication.committedAt;
  }

  /**
   * Sends names again although they did not change, because what refers to them did: Envoy waits for them while it warms that
   * (X60 to X66).
   *
   * @param anticipate follow names that the client has not asked for yet; they count as known when it asks (X302)
   */
  force(names: readonly string[], parent: string, anticipate: boolean, now: number): void {
    for (const name of names) {
      if (!this.#started) this.#forcedEarly.add(name);
      else if (this.#isWanted(name)) this.#outbox.force(name);
      else if (anticipate && this.#wire === 'delta') this.#anticipate(name, parent);
    }
    if (this.hasWork) this.#pendingSince ??= now;
  }

  #anticipate(name: string, parent: string): void {
    const text = this.#view.follow(name);
    if (this.#view.resource(name) === undefined) return this.#view.unfollow(name);
    this.#anticipated.set(text, parent);
    this.#outbox.note(text, undefined);
  }

  /** What is followed on behalf of names that are gone need not be followed, unless the client asked for it. */
  stopAnticipating(parents: readonly string[]): void {
    for (const [name, parent] of this.#anticipated) if (parents.includes(parent)) this.#drop(name);
  }

  // --- what is sent ---

  /** Whether a response may go: one at a time (X67), but for the parts of one that was too large. */
  maySend(now: number): boolean {
    return this.#started && (this.#outbox.inParts || this.nextMoment(now) <= now);
  }

  /** When there is something that may go, as far as time decides; infinity: only a change or a request may change that. */
  nextMoment(now: number): number {
    const due = this.hasWork ? now : (this.#heartbeats?.next ?? Infinity);
    return Math.max(due, this.deliveries.slotFreeAt(now));
  }

  /**
   * Names that exist and that the client may not have yet: on their way to it, or waiting to go.
   *
   * @param since what was sent at this moment or earlier is left out
   */
  unconfirmedNames(since: number): ReadonlySet<string> {
    const late = this.deliveries.outstanding.filter(({ sentAt }) => sentAt > since);
    return new Set([...late.flatMap(({ introduces }) => introduces), ...this.#outbox.newNames()]);
  }

  /** The removal that has waited longest for its turn. */
  get oldestDeparture(): Departure | undefined {
    return this.#outbox.oldestDeparture;
  }

  /** What became of a name's content as it is since a commit, for a name that the client should have. */
  standing(name: string, since: number): Standing {
    return standingOf(name, since, this.#outbox.state(name), {
      nack: this.#lastNack,
      confirmedThrough: this.#confirmedThrough,
      confirmedBeforeRefusal: this.#confirmedBeforeRefusal,
      outstanding: this.deliveries.outstanding,
    });
  }

  /** Whether the client has confirmed everything of this type up to a commit, and refuses nothing. */
  confirmed(sequence: number): boolean {
    if (!this.#started || !this.#outbox.unrefused) return false;
    return (!this.hasWork && this.deliveries.outstanding.length === 0) || this.#confirmedThrough >= sequence;
  }

  /** Delta versions are for people, and those of views of single names differ where responses would otherwise be the same. */
  get #saysVersion(): boolean {
    return this.#wire === 'sotw' || this.#wildcard;
  }

  /** The next response; undefined when there turns out to be nothing to say. To be called while `maySend`. */
  take(options: TakeOptions): Response | undefined {
    const due = this.#heartbeats?.due(options.now, (name) => this.#isWanted(name)) ?? [];
    // What a full state leaves out is gone, so one that prolongs has to hold everything.
    const isRenewal = due.length > 0 && this.#outbox.sendsWhole;
    const selection = this.#outbox.select(options, this.#answerDue || isRenewal);
    if (this.#outbox.empty) this.#pendingSince = undefined;
    if (selection === undefined) {
      if (this.#outbox.empty) this.#publications = [];
      return due.length > 0 && !isRenewal ? this.#send(heartbeatOf(due, this.#view.version()), options, []) : undefined;
    }
    this.#answerDue = false;
    // A flush in parts has reached the client with its last part.
    return this.#send(selection, options, this.#outbox.inParts ? [] : this.#publications.splice(0));
  }

  #send(selection: Selection, options: TakeOptions, publications: readonly Publication[]): Response {
    const { changed, ...carried } = selection;
    const { version, removed, introduces } = carried;
    const { now: sentAt, sequence } = options;
    const encoded = options.encode({ ...carried, version: this.#saysVersion ? version : '' });
    const replaces = this.deliveries.replacedWith(selection.replaces);
    const flight = { ...carried, nonce: encoded.nonce, sentAt, sequence, publications, replaces };
    this.deliveries.sent(flight, removed.length > 0 || changed.length > introduces.length);
    this.#heartbeats?.sent(flight);
    return { flight, encoded, changed };
  }
}
