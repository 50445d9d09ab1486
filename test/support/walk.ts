import fc from 'fast-check';
import { childrenOf, ModelClient, type NackStyle } from './model-client.ts';
import { ServerRig, type Wire } from './stream-rig.ts';

/** Random histories of a mesh and its clients, as values that can be shrunk and played again. */

export const types = ['cluster', 'endpoints', 'listener', 'routes'] as const;
export type Type = (typeof types)[number];

export const names: Readonly<Record<Type, readonly string[]>> = {
  cluster: ['c1', 'c2', 'c3', 'c4'],
  endpoints: ['e1', 'e2', 'e3'],
  listener: ['l1', 'l2'],
  routes: ['r1', 'r2', 'r3'],
};
const childType: Partial<Record<Type, Type>> = { cluster: 'endpoints', listener: 'routes' };

export interface Edit {
  readonly type: Type;
  readonly name: string;
  /** undefined: it is deleted. */
  readonly content: string | undefined;
}

/** What one client does. */
type Act =
  | { readonly kind: 'work'; readonly most: number }
  | { readonly kind: 'reconnect' }
  | { readonly kind: 'repeat-ack'; readonly type: Type }
  | { readonly kind: 'keep-answers'; readonly keeps: boolean }
  | { readonly kind: 'ask-again'; readonly type: 'endpoints' | 'routes'; readonly name: string }
  | {
      readonly kind: 'follow';
      readonly type: 'endpoints' | 'routes';
      readonly name: string;
      readonly isWanted: boolean;
      readonly isStale: boolean;
    };

export type Step =
  | { readonly kind: 'edit'; readonly edits: readonly Edit[] }
  | { readonly kind: 'send' }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'act'; readonly client: number; readonly act: Act };

/** `name=version>children`; an exclamation mark makes clients refuse it. */
export function anEdit(type: Type): fc.Arbitrary<Edit> {
  const child = childType[type];
  return fc
    .record({
      name: fc.constantFrom(...names[type]),
      version: fc.integer({ min: 1, max: 3 }),
      children: child === undefined ? fc.constant([]) : fc.subarray([...names[child]], { maxLength: 2 }),
      isBad: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
      isGone: fc.integer({ min: 0, max: 3 }).map((dice) => dice === 0),
    })
    .map(({ name, version, children, isBad, isGone }) => ({
      type,
      name,
      content: isGone ? undefined : `${name}=${version}>${children.join(',')}${isBad ? '!' : ''}`,
    }));
}

const named = fc.constantFrom('endpoints' as const, 'routes' as const);
const aNamed = named.chain((type) => fc.record({ type: fc.constant(type), name: fc.constantFrom(...names[type]) }));

const anAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }).map((most) => ({ kind: 'work' as const, most })) },
  { weight: 2, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
  { weight: 1, arbitrary: fc.constantFrom(...types).map((type) => ({ kind: 'repeat-ack' as const, type })) },
  { weight: 1, arbitrary: fc.boolean().map((keeps) => ({ kind: 'keep-answers' as const, keeps })) },
  { weight: 1, arbitrary: aNamed.map((which) => ({ kind: 'ask-again' as const, ...which })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(aNamed, fc.record({ isWanted: fc.boolean(), isStale: fc.boolean() }))
      .map(([which, how]) => ({ kind: 'follow' as const, ...which, ...how })),
  },
);

const someEdits = fc.array(fc.oneof(...types.map((type) => anEdit(type))), { minLength: 1, maxLength: 4 });
const aMoment = fc.constantFrom(1, 1_000, 25_000);

/** @param clients how many clients act in it */
export function aStep(clients: number): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 3, arbitrary: someEdits.map((edits) => ({ kind: 'edit' as const, edits })) },
    { weight: 3, arbitrary: fc.constant({ kind: 'send' as const }) },
    { weight: 1, arbitrary: aMoment.map((milliseconds) => ({ kind: 'wait' as const, milliseconds })) },
    {
      weight: 6,
      arbitrary: fc
        .record({ client: fc.nat({ max: clients - 1 }), act: anAct })
        .map(({ client, act }) => ({ kind: 'act' as const, client, act })),
    },
  );
}

/** Milliseconds after which nothing waits any more: clusters whose listeners drain wait longest. */
const longest = 700_000;

/** A server, a mesh and clients, to which a history happens. */
export class Walk {
  readonly rig = new ServerRig();
  readonly world = new Map<Type, Map<string, string>>(types.map((type) => [type, new Map()]));
  readonly clients: readonly ModelClient[];
  readonly #wire: Wire;
  readonly #nackStyle: NackStyle;

  constructor(wire: Wire, nackStyle: NackStyle, clients = 1) {
    this.#wire = wire;
    this.#nackStyle = nackStyle;
    // The first and the third say that they are the same node.
    this.clients = Array.from({ length: clients }, (_, index) => this.#newClient(index % 2));
    for (const client of this.clients) client.begin();
  }

  /** The only client, or the first. */
  get client(): ModelClient {
    const [client] = this.clients;
    if (client === undefined) throw new Error('a walk without clients');
    return client;
  }

  take(step: Step): void {
    switch (step.kind) {
      case 'edit':
        return this.edit(step.edits);
      case 'send':
        return this.send();
      case 'wait':
        return this.wait(step.milliseconds);
      case 'act': {
        const client = this.clients[step.client];
        return client === undefined ? undefined : perform(client, step.act);
      }
    }
  }

  edit(edits: readonly Edit[]): void {
    this.rig.mesh.change((mesh) => {
      for (const { type, name, content } of edits) {
        if (content === undefined) {
          mesh.remove(type, name);
          this.of(type).delete(name);
        } else {
          mesh.put(type, name, content, { children: childrenOf(content) });
          this.of(type).set(name, content);
        }
      }
    });
  }

  send(): void {
    this.rig.clock.settle();
    for (const client of this.clients) client.collect();
  }

  wait(milliseconds: number): void {
    this.rig.clock.advance(milliseconds);
    for (const client of this.clients) {
      client.collect();
      if (milliseconds >= 1_000) client.timeOutWarming();
    }
  }

  /** Makes everything acceptable and lets everything arrive. */
  finish(): void {
    for (const client of this.clients) client.keepAnswers(false);
    const bad = types.flatMap((type) =>
      [...this.of(type)]
        .filter(([, content]) => content.endsWith('!'))
        .map(([name, content]) => ({ type, name, content: content.replace('!', '') })),
    );
    if (bad.length > 0) this.edit(bad);
    for (const client of this.clients) this.quiesce(client);
    this.wait(longest);
    for (const client of this.clients) this.quiesce(client);
  }

  /** Lets everything arrive at a client, in a bounded number of responses. */
  quiesce(client: ModelClient): void {
    const limit = client.responses + 300;
    this.#settle(client, () => {
      for (const other of this.clients) other.collect();
      if (client.responses > limit) throw new Error('the server does not come to an end');
    });
  }

  /** A client that has never been here before and wants what another wants. */
  newcomerLike(client: ModelClient): ModelClient {
    const newcomer = this.#newClient(7);
    newcomer.begin();
    this.#settle(newcomer);
    // What it wants for reasons of its own it wants once it knows its clusters and listeners: those name all that they need.
    for (const type of ['endpoints', 'routes'] as const) {
      for (const name of client.named(type)) newcomer.follow(type, name, true, false);
    }
    this.#settle(newcomer);
    this.rig.clock.advance(longest);
    this.#settle(newcomer);
    return newcomer;
  }

  of(type: Type): Map<string, string> {
    return this.world.get(type) ?? new Map<string, string>();
  }

  #settle(client: ModelClient, meanwhile: () => void = () => undefined): void {
    for (let quiet = 0; quiet < 2;) {
      this.rig.clock.settle();
      meanwhile();
      client.collect();
      quiet = client.isIdle ? quiet + 1 : 0;
      client.work(1);
      if (client.isIdle) client.timeOutWarming();
    }
  }

  #newClient(id: number): ModelClient {
    const nodeId = `sidecar~10.0.0.1~app-${id}.shop~shop.svc.cluster.local`;
    return new ModelClient(this.rig, this.#wire, this.#nackStyle, nodeId);
  }
}

function perform(client: ModelClient, act: Act): void {
  switch (act.kind) {
    case 'work':
      return client.work(act.most);
    case 'reconnect':
      return client.reconnect();
    case 'repeat-ack':
      return client.repeatAck(act.type);
    case 'keep-answers':
      return client.keepAnswers(act.keeps);
    case 'ask-again':
      return client.askAgain(act.type, act.name);
    case 'follow':
      return client.follow(act.type, act.name, act.isWanted, act.isStale);
  }
}
