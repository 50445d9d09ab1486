import { aNodeId, type Answer, type FakeClient, type ServerRig, type Wire } from './stream-rig.ts';

/**
 * A model of a client, written from the protocol and from what Envoy 1.40 was seen to do, and from nothing of the server: it asks for
 * everything of clusters and listeners, for the load assignments that its clusters name and the routes that its listeners name,
 * applies what comes, refuses what is bad, and withholds the ACK of clusters while they warm.
 *
 * Of a response that it refuses it applies what is good, additions and removals, but remembers no version of it: when it comes back
 * it names the versions of before, which is not what it runs (xds-protocol X304).
 *
 * Content is text: `name=version>child,child!`, where `!` says that the client refuses it.
 */

const types = ['cluster', 'endpoints', 'listener', 'routes'] as const;
type Type = (typeof types)[number];

/** A response of clusters whose ACK waits for their load assignments. */
interface Warming {
  readonly answer: Answer;
  readonly endpoints: Set<string>;
}

export type NackStyle = 'names-the-bad' | 'names-nobody';

export function childrenOf(content: string): readonly string[] {
  const list = /^[^>]*>([^!]*)/.exec(content)?.[1] ?? '';
  return list === '' ? [] : list.split(',');
}

export class ModelClient {
  readonly wire: Wire;
  readonly #rig: ServerRig;
  readonly #nackStyle: NackStyle;
  readonly #nodeId: string;
  #transport: FakeClient;
  #hasSaidWho = false;
  /** What it runs: content by name. */
  readonly state = new Map<Type, Map<string, string>>(types.map((type) => [type, new Map()]));
  /** What it says that it holds: versions by name, of responses that it has accepted. */
  readonly #recorded = new Map<Type, Map<string, string>>(types.map((type) => [type, new Map()]));
  readonly #named = new Map<Type, Set<string>>([
    ['endpoints', new Set()],
    ['routes', new Set()],
  ]);
  readonly #isStarted = new Set<Type>();
  readonly #lastNonce = new Map<Type, string>();
  readonly #seenNonces = new Set<string>();
  readonly #inbox: Answer[] = [];
  readonly #unanswered = new Map<string, Answer>();
  #warming: Warming[] = [];
  /** Responses that are applied and not answered while it keeps its answers to itself. */
  readonly #kept: (() => void)[] = [];
  #keepsAnswers = false;
  /** Clusters that took effect and wait for their load assignment. */
  readonly cold = new Map<string, Set<string>>();
  responses = 0;

  constructor(rig: ServerRig, wire: Wire, nackStyle: NackStyle, nodeId: string = aNodeId) {
    this.#rig = rig;
    this.#nodeId = nodeId;
    this.wire = wire;
    this.#nackStyle = nackStyle;
    this.#transport = rig.client(wire);
  }

  content(type: Type, name: string): string | undefined {
    return this.#of(type).get(name);
  }

  named(type: Type): ReadonlySet<string> {
    return this.#named.get(type) ?? new Set();
  }

  /** Begins the stream as Envoy does: clusters, and the rest as it learns of it; with what it holds, if it holds something. */
  begin(): void {
    this.#start('cluster');
    if (this.#of('cluster').size > 0 || this.named('endpoints').size > 0) this.#start('endpoints');
    this.#start('listener');
    if (this.named('routes').size > 0) this.#start('routes');
  }

  /** Loses the connection and makes another. */
  reconnect(): void {
    this.#transport.leave({ kind: 'broken', detail: 'reset' });
    this.#inbox.length = 0;
    this.#warming = [];
    this.#kept.length = 0;
    this.#unanswered.clear();
    this.#isStarted.clear();
    this.#lastNonce.clear();
    this.#seenNonces.clear();
    this.#hasSaidWho = false;
    this.#transport = this.#rig.client(this.wire);
    this.begin();
  }

  leave(): void {
    this.#transport.leave({ kind: 'half-closed' });
  }

  /** Takes in what the server has sent, and checks what holds of every response. */
  collect(): void {
    for (const answer of this.#transport.take()) {
      this.#check(answer);
      this.#inbox.push(answer);
      this.responses++;
    }
  }

  /** Works off responses, at most so many. */
  work(most: number): void {
    for (let worked = 0; worked < most; worked++) {
      const answer = this.#inbox.shift();
      if (answer === undefined) return;
      this.#apply(answer);
    }
  }

  /** Keeps its answers to itself from now on, or gives them all. */
  keepAnswers(keeps: boolean): void {
    this.#keepsAnswers = keeps;
    if (!keeps) for (const answer of this.#kept.splice(0)) answer();
  }

  get isIdle(): boolean {
    return this.#inbox.length === 0;
  }

  /** Asks again for a name that it follows already, having lost what it had (delta). */
  askAgain(type: 'endpoints' | 'routes', name: string): void {
    if (this.wire !== 'delta' || !this.named(type).has(name)) return;
    this.#forget(type, name);
    this.#transport.request(type, { resourceNamesSubscribe: [name] });
  }

  /** Follows a name, or stops, for reasons of its own; with a nonce of the past, if it likes. */
  follow(type: 'endpoints' | 'routes', name: string, isWanted: boolean, isStale: boolean): void {
    const named = this.#names(type);
    if (named.has(name) === isWanted) return;
    const others = this.#referredTo(type);
    if (!isWanted && others.has(name)) return;
    this.#change(type, isWanted ? [name] : [], isWanted ? [] : [name], isStale ? 'of-the-past' : undefined);
  }

  /** Repeats its last ACK. */
  repeatAck(type: Type): void {
    if (!this.#isStarted.has(type)) return;
    if (this.wire === 'delta') this.#transport.request(type, { responseNonce: this.#lastNonce.get(type) ?? '' });
    else this.#list(type);
  }

  #check(answer: Answer): void {
    const { type, nonce, resources, removed } = answer;
    if (nonce === '' || this.#seenNonces.has(nonce)) throw new Error(`nonce '${nonce}' was used before`);
    this.#seenNonces.add(nonce);
    const names = [...resources.map(nameOf), ...removed];
    if (new Set(names).size !== names.length) throw new Error(`a name twice in ${names.join()}`);
    if (!this.#isStarted.has(type as Type)) throw new Error(`${type} was never asked for`);
    if (type === 'routes' || (type === 'endpoints' && this.wire === 'sotw')) {
      const unrequested = names.filter((name) => !this.named(type).has(name));
      if (unrequested.length > 0) throw new Error(`${unrequested.join()} was not asked for`);
    }
    const open = [...this.#unanswered.values()].filter((other) => other.type === type);
    const isPatient = type === 'cluster' && open.every(({ sentAt }) => answer.sentAt - sentAt >= 1_000);
    if (open.length > 0 && !isPatient) throw new Error(`a second response of ${type} before the first was answered`);
    this.#unanswered.set(nonce, answer);
  }

  #apply(answer: Answer): void {
    const type = answer.type as Type;
    const bad = answer.resources.filter((text) => text.endsWith('!'));
    const isRefused = bad.length > 0;
    const dropsAll = isRefused && this.#nackStyle === 'names-nobody';
    const news = dropsAll ? [] : answer.resources.filter((text) => !text.endsWith('!'));
    const gone = dropsAll ? [] : this.#goneBy(type, answer);
    for (const name of gone) this.#remove(type, name);
    for (const text of news) this.#put(type, text);
    if (!isRefused) this.#record(type, answer);
    this.#subscribeChildren(type);
    if (isRefused) return this.#answer(() => this.#nack(answer, bad));
    if (type === 'cluster' && this.#warms(answer)) return;
    this.#answer(() => this.#ack(answer));
    this.#finishWarming();
  }

  #answer(give: () => void): void {
    if (this.#keepsAnswers) this.#kept.push(give);
    else give();
  }

  /** What a response takes away: in a full state, whatever it leaves out. */
  #goneBy(type: Type, { resources, removed }: Answer): readonly string[] {
    if (this.wire === 'delta') return removed;
    if (type === 'endpoints' || type === 'routes') return [];
    const kept = new Set(resources.map(nameOf));
    return [...this.#of(type).keys()].filter((name) => !kept.has(name));
  }

  #put(type: Type, text: string): void {
    const name = nameOf(text);
    const content = contentOf(text);
    const before = this.#of(type).get(name);
    // What the type does not follow is dropped unread, but for load assignments that come before the question.
    if ((type === 'endpoints' || type === 'routes') && !this.named(type).has(name)) return;
    this.#of(type).set(name, content);
    if (type === 'cluster' && content !== before) this.cold.set(name, new Set(childrenOf(content)));
    if (type === 'endpoints') for (const needed of this.cold.values()) needed.delete(name);
  }

  #remove(type: Type, name: string): void {
    // Envoy takes no notice of removed load assignments and routes.
    if (type === 'endpoints' || type === 'routes') return;
    this.#of(type).delete(name);
    this.cold.delete(name);
  }

  #record(type: Type, { resources, versions, removed }: Answer): void {
    const recorded = this.#recordedOf(type);
    for (const name of removed) recorded.delete(name);
    for (const [index, text] of resources.entries()) {
      if (this.#of(type).has(nameOf(text))) recorded.set(nameOf(text), versions[index] ?? '');
    }
  }

  #forget(type: Type, name: string): void {
    this.#of(type).delete(name);
    this.#recordedOf(type).delete(name);
  }

  #warms(answer: Answer): boolean {
    const endpoints = new Set(answer.resources.flatMap((text) => [...(this.cold.get(nameOf(text)) ?? [])]));
    if (endpoints.size === 0) return false;
    this.#warming.push({ answer, endpoints });
    return true;
  }

  /** Once a response of clusters is warm, its ACK goes out. */
  #finishWarming(): void {
    const waiting = new Set([...this.cold.values()].flatMap((needed) => [...needed]));
    const done = this.#warming.filter(({ endpoints }) => ![...endpoints].some((name) => waiting.has(name)));
    this.#warming = this.#warming.filter((each) => !done.includes(each));
    for (const { answer } of done) this.#answer(() => this.#ack(answer));
  }

  /** Warming ends by time, too (`initial_fetch_timeout`). */
  timeOutWarming(): void {
    for (const needed of this.cold.values()) needed.clear();
    this.#finishWarming();
  }

  #ack(answer: Answer): void {
    this.#settle(answer);
    if (this.wire === 'delta') this.#transport.request(answer.type, { responseNonce: answer.nonce });
    else {
      // Of several responses the last is answered.
      for (const [nonce, { type }] of this.#unanswered) if (type === answer.type) this.#unanswered.delete(nonce);
      this.#list(answer.type as Type, { responseNonce: answer.nonce });
    }
  }

  #settle({ type, nonce }: Answer): void {
    this.#unanswered.delete(nonce);
    this.#lastNonce.set(type as Type, nonce);
  }

  #nack(answer: Answer, bad: readonly string[]): void {
    this.#settle(answer);
    const names = this.#nackStyle === 'names-the-bad' ? ` ${bad.map(nameOf).join(', ')}: no` : 'no';
    const errorDetail = { code: 13, message: `Error adding/updating${names}` };
    if (this.wire === 'delta') this.#transport.request(answer.type, { responseNonce: answer.nonce, errorDetail });
    else this.#list(answer.type as Type, { responseNonce: answer.nonce, errorDetail });
  }

  /** Follows what the clusters or listeners name, no more and no less. */
  #subscribeChildren(type: Type): void {
    const childType = type === 'cluster' ? 'endpoints' : type === 'listener' ? 'routes' : undefined;
    if (childType === undefined) return;
    const wanted = this.#referredTo(childType);
    const named = this.#names(childType);
    const added = [...wanted].filter((name) => !named.has(name));
    const dropped = [...named].filter((name) => !wanted.has(name));
    if (added.length > 0 || dropped.length > 0) this.#change(childType, added, dropped, undefined);
  }

  #referredTo(type: 'endpoints' | 'routes'): ReadonlySet<string> {
    const parents = this.#of(type === 'endpoints' ? 'cluster' : 'listener');
    return new Set([...parents.values()].flatMap(childrenOf));
  }

  #change(
    type: 'endpoints' | 'routes',
    added: readonly string[],
    dropped: readonly string[],
    responseNonce: string | undefined,
  ): void {
    const named = this.#names(type);
    for (const name of added) named.add(name);
    for (const name of dropped) {
      named.delete(name);
      this.#forget(type, name);
    }
    if (!this.#isStarted.has(type)) this.#start(type);
    else if (this.wire === 'sotw') this.#list(type, responseNonce === undefined ? {} : { responseNonce });
    else {
      this.#transport.request(type, {
        resourceNamesSubscribe: added,
        resourceNamesUnsubscribe: dropped,
        ...(responseNonce === undefined ? {} : { responseNonce }),
      });
    }
  }

  #start(type: Type): void {
    this.#isStarted.add(type);
    const node = this.#hasSaidWho ? {} : { node: { id: this.#nodeId } };
    this.#hasSaidWho = true;
    if (this.wire === 'sotw') return this.#list(type, node);
    this.#transport.request(type, {
      ...node,
      resourceNamesSubscribe: [...this.named(type)],
      initialResourceVersions: Object.fromEntries(this.#recordedOf(type)),
    });
  }

  #list(type: Type, fields: Parameters<FakeClient['list']>[1] = {}): void {
    const responseNonce = this.#lastNonce.get(type) ?? '';
    this.#transport.list(type, { responseNonce, resourceNames: [...this.named(type)], ...fields });
  }

  #of(type: Type): Map<string, string> {
    return ofType(this.state, type);
  }

  #recordedOf(type: Type): Map<string, string> {
    return ofType(this.#recorded, type);
  }

  #names(type: 'endpoints' | 'routes'): Set<string> {
    const named = this.#named.get(type);
    if (named === undefined) throw new Error(`no names of ${type}`);
    return named;
  }
}

function ofType(all: ReadonlyMap<Type, Map<string, string>>, type: Type): Map<string, string> {
  const some = all.get(type);
  if (some === undefined) throw new Error(`no type ${type}`);
  return some;
}

/** `name@name=version` of delta, `name=version` of state of the world. */
function nameOf(text: string): string {
  return /^[^@=]*/.exec(text)?.[0] ?? '';
}

function contentOf(text: string): string {
  return text.slice(text.indexOf('@') + 1);
}
