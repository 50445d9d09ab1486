import { messageOf } from '../../src/xds/fragment.ts';
import type { Publication, Settlement } from '../../src/xds/flight.ts';
import type { Departure, View } from '../../src/xds/outbox.ts';
import { Heartbeats } from '../../src/xds/heartbeats.ts';
import type { DeltaRequest, DiscoveryRequest, SotwRequest } from '../../src/xds/requests.ts';
import type { ResourceTypeName } from '../../src/xds/resource-types.ts';
import type { Resource } from '../../src/xds/resources.ts';
import { Subscription } from '../../src/xds/subscription.ts';
import { aResource, typeNamed, type ThingOptions } from './tiny-mesh.ts';

/** Names that count how many of them were walked over. */
class CountedNames extends Set<string> {
  steps = 0;

  override *[Symbol.iterator](): SetIterator<string> {
    for (const name of super.values()) {
      this.steps++;
      yield name;
    }
    return undefined;
  }
}

/** What a subscription sees, as a map that the test changes. */
class FakeView implements View {
  readonly named = new CountedNames();
  readonly world = new Map<string, Resource>();
  /** Names that exist and that a wildcard does not stand for. */
  readonly onDemand = new Set<string>();
  /** Resources that were looked up or walked over. */
  steps = 0;
  #isWildcard = false;

  follow(name: string): string {
    this.named.add(name);
    return name;
  }

  unfollow(name: string): void {
    this.named.delete(name);
  }

  followAll(): void {
    this.#isWildcard = true;
  }

  unfollowAll(): void {
    this.#isWildcard = false;
  }

  resource(name: string): Resource | undefined {
    this.steps++;
    return this.includes(name) ? this.world.get(name) : undefined;
  }

  awaits(): boolean {
    return false;
  }

  names(): Iterable<string> {
    this.steps += this.world.size;
    return this.#isWildcard ? [...this.world.keys()].filter((name) => !this.onDemand.has(name)) : [];
  }

  resources(): Iterable<Resource> {
    this.steps += this.world.size;
    return this.#included();
  }

  #included(): readonly Resource[] {
    return [...this.world.values()].filter(({ name }) => this.includes(name));
  }

  version(): string {
    const parts = this.#included().map(({ name, version }) => `${name}=${version}`);
    return parts.toSorted().join(',');
  }

  includes(name: string): boolean {
    return this.named.has(name) || (this.#isWildcard && !this.onDemand.has(name));
  }
}

/** A response in a form that a test can spell out. */
export interface Sent {
  readonly nonce: string;
  readonly version: string;
  /** `name@content`. */
  readonly resources: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** A subscription with a world around it, in which the test is client, store and stream. */
export class SubscriptionRig {
  readonly subscription: Subscription;
  readonly wire: 'delta' | 'sotw';
  now = 0;
  limit = Infinity;
  mayAdd: (resource: Resource) => boolean = () => true;
  mayRemove: (departure: Departure) => boolean = () => true;
  readonly #view = new FakeView();
  readonly #typeUrl: string;
  readonly #type: ResourceTypeName;
  #sequence = 0;
  #nonces = 0;
  #last = '';

  constructor(type: ResourceTypeName, wire: 'delta' | 'sotw') {
    this.#type = type;
    this.#typeUrl = typeNamed(type).typeUrl;
    this.wire = wire;
    this.subscription = new Subscription({
      type: typeNamed(type),
      wire,
      view: this.#view,
      tainted: () => new Map(),
      heartbeats: new Heartbeats(() => 0),
    });
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Names and resources that the subscription has looked at. */
  get steps(): number {
    return this.#view.steps + this.#view.named.steps;
  }

  /** One commit that makes these resources what they are: `{ a: 'a1', gone: undefined }`. */
  change(
    contents: Readonly<Record<string, string | undefined>>,
    options: ThingOptions & { onDemand?: boolean } = {},
  ): void {
    const publication: Publication = {
      cause: { source: 'test', at: this.now },
      committedAt: this.now,
      sequence: ++this.#sequence,
    };
    for (const [name, content] of Object.entries(contents)) {
      const before = this.#view.resource(name);
      if (content === undefined) this.#view.world.delete(name);
      else this.#view.world.set(name, aResource(this.#type, name, content, options));
      if (options.onDemand === true) this.#view.onDemand.add(name);
      if (this.#view.includes(name) && before?.version !== this.#view.resource(name)?.version) {
        this.subscription.changed(name, before, publication);
      }
    }
  }

  versionOf(name: string): string {
    return this.#view.world.get(name)?.version ?? '';
  }

  delta(request: Partial<Omit<DeltaRequest, 'held' | 'kind'>> & { held?: Record<string, string> }): Settlement {
    const { held = {}, ...fields } = request;
    return this.#receive({
      kind: 'delta',
      subscribe: [],
      unsubscribe: [],
      ...this.#defaults(),
      held: new Map(Object.entries(held)),
      ...fields,
    });
  }

  sotw(names: readonly string[], request: Partial<Omit<SotwRequest, 'names' | 'kind'>> = {}): Settlement {
    return this.#receive({ kind: 'sotw', version: '', ...this.#defaults(), names, ...request });
  }

  /** What is sent now; undefined: nothing. */
  flush(): Sent | undefined {
    if (!this.subscription.maySend(this.now)) return undefined;
    const response = this.subscription.take({
      now: this.now,
      sequence: this.#sequence,
      encode: () => ({ number: ++this.#nonces, nonce: `n${this.#nonces}`, parts: [], bytes: 0 }),
      limit: this.limit,
      mayAdd: this.mayAdd,
      mayRemove: this.mayRemove,
    });
    if (response === undefined) return undefined;
    const { flight, changed } = response;
    this.#last = flight.nonce;
    const { nonce, version, removed } = flight;
    return { nonce, version, removed, resources: flight.resources.map(show), changed: changed.map(({ name }) => name) };
  }

  /** ACKs the last response. SotW: with the names that it repeats. */
  ack(names: readonly string[] = []): Settlement {
    return this.wire === 'delta' ? this.delta({ nonce: this.#last }) : this.sotw(names, { nonce: this.#last });
  }

  nack(message: string, names: readonly string[] = []): Settlement {
    const error = { code: 13, message };
    if (this.wire === 'delta') return this.delta({ nonce: this.#last, error });
    return this.sotw(names, { nonce: this.#last, error });
  }

  /** Flushes and ACKs until nothing more comes. Gives what was sent. */
  exchange(names: readonly string[] = []): readonly Sent[] {
    const sent: Sent[] = [];
    for (let response = this.flush(); response !== undefined; response = this.flush()) {
      sent.push(response);
      this.ack(names);
    }
    return sent;
  }

  #defaults(): Pick<DiscoveryRequest, 'node' | 'typeUrl' | 'nonce' | 'error'> {
    return { node: undefined, typeUrl: this.#typeUrl, nonce: '', error: undefined };
  }

  #receive(request: DiscoveryRequest): Settlement {
    return this.subscription.receive(request, this.now, this.#sequence);
  }
}

function show(resource: Resource): string {
  return `${resource.name}@${Buffer.from(messageOf(resource)).toString()}`;
}
