import { setTimeout } from 'node:timers/promises';
import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import type { Credentials } from '../../../src/discovery/kubernetes/api/cluster.ts';
import { createApiClient } from '../../../src/discovery/kubernetes/api/create-api-client.ts';
import type {
  ApiResource,
  Change,
  RawObject,
  Reflected,
  ReflectedSelection,
  ReflectorHealth,
} from '../../../src/discovery/kubernetes/reflector/reflected.ts';
import { Reflector } from '../../../src/discovery/kubernetes/reflector/reflector.ts';
import { Contact } from '../../../src/discovery/kubernetes/reflector/contact.ts';
import { ListTurns } from '../../../src/discovery/kubernetes/reflector/turns.ts';
import { silentLog } from '../../../src/observe/log.ts';
import { Relay } from './relay.ts';
import type { LoggedRequest, RequestMatch } from './request-log.ts';
import type { FakeApiServer } from './server.ts';
import { startFakeApiServer } from './start.ts';
import type { StoredMetadata } from './stored-object.ts';
import { untilStill, VirtualTime } from './virtual-time.ts';

/** A reflector, by a real client, on a fake API server, both in a time of their own; and what the reflector's handler hears. */

/** What is kept of an object: enough to tell two versions of it apart. */
interface Kept extends Reflected {
  readonly text: string;
}

export interface RigOptions {
  /** Default: pods. */
  readonly resource?: ApiResource;
  readonly selection?: ReflectedSelection;
  /** Whether lists come in pages, whatever that costs. */
  readonly isLarge?: boolean;
  /** HTTP/2 over TLS instead of plain HTTP/1.1. */
  readonly tls?: boolean;
  readonly credentials?: Credentials;
  /** Reaches the server by a way that can go dead. */
  readonly relayed?: boolean;
  /** Between 0 and 1. Default: always 0.5. */
  readonly random?: () => number;
}

const pods: ApiResource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' };

export class ReflectorRig {
  readonly server: FakeApiServer;
  readonly time: VirtualTime;
  readonly client: ApiClient;
  /** Between client and server, if the rig was asked for it. */
  readonly relay: Relay | undefined;
  readonly reflector: Reflector<Kept>;
  /** What the handler heard, as `put KEY`, `remove KEY`, `synced`. */
  readonly heard: string[] = [];
  /** Kinds of health that were told, in order; of the same kind for another reason only the first. */
  readonly health: ReflectorHealth['kind'][] = [];
  /** What is left when everything that the handler heard is done, by key. */
  readonly replayed = new Map<string, Kept>();
  /** Uids of objects that were said to be removed. */
  readonly removedUids: string[] = [];
  /** Called before anything is heard: what it throws, the handler throws. */
  beforeHearing: () => void = () => undefined;
  readonly #resource: ApiResource;
  readonly #selection: ReflectedSelection;
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;
  #moved = 0;
  /** Requests whose answer has not begun, or of a list is not complete. */
  #unanswered = 0;

  private constructor(
    server: FakeApiServer,
    client: ApiClient,
    time: VirtualTime,
    relay: Relay | undefined,
    options: RigOptions,
  ) {
    this.server = server;
    this.client = this.#counted(client);
    this.time = time;
    this.relay = relay;
    this.#resource = options.resource ?? pods;
    this.#selection = options.selection ?? {};
    this.reflector = new Reflector<Kept>({
      client: this.client,
      resource: this.#resource,
      selection: this.#selection,
      trim,
      handler: {
        changed: (changes) => this.#hear(changes),
        synced: () => this.#note('synced'),
        health: ({ kind }) => {
          if (this.health.at(-1) !== kind) this.health.push(kind);
          this.#moved += 1;
        },
      },
      clock: time,
      random: options.random ?? (() => 0.5),
      log: silentLog,
      turn: new ListTurns(1).at(0),
      contact: new Contact(),
      isLarge: options.isLarge ?? false,
    });
  }

  static async start(options: RigOptions = {}): Promise<ReflectorRig> {
    let rig: ReflectorRig | undefined = undefined;
    const time = new VirtualTime(async () => rig?.rest());
    const { server, url, ca, client } = await startFakeApiServer({ clock: time, tls: options.tls ?? false });
    const relay = options.relayed === true ? await Relay.to(server.port) : undefined;
    client.close();
    const reached = new URL(url);
    if (relay !== undefined) reached.port = String(relay.port);
    const own = createApiClient(
      {
        server: reached.origin,
        credentials: options.credentials ?? { kind: 'token', token: server.token },
        ...(ca && { authorities: { kind: 'text', text: ca } }),
      },
      { clock: time, userAgent: 'weir/test', variables: {} },
    );
    rig = new ReflectorRig(server, own, time, relay, options);
    return rig;
  }

  /** One that follows pods `a`, `b` and `c`, and has done so for a while: its back-off is fresh, and what it did so far is forgotten. */
  static async following(options: RigOptions = {}): Promise<ReflectorRig> {
    const rig = await ReflectorRig.start(options);
    for (const name of ['a', 'b', 'c']) rig.put(name);
    await rig.follow();
    await rig.time.pass(150_000);
    rig.forget();
    return rig;
  }

  run(): void {
    this.#running = this.reflector.run(this.#ending.signal);
  }

  /** Ends the reflector, but neither its client nor the server. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async stop(): Promise<void> {
    await this.end();
    this.client.close();
    await this.relay?.close();
    await this.server.stop();
  }

  /** Stops, and insists that what was to go wrong has done so (what did not happen proves nothing), and that no watch was forgotten. */
  async finish(): Promise<void> {
    const watches = this.server.openWatches(this.#resource.plural);
    await this.stop();
    const { unused } = this.server.faults;
    if (unused.length > 0) throw new Error(`never happened: ${JSON.stringify(unused)}`);
    if (watches > 1) throw new Error(`${watches} watches are open`);
  }

  /** Runs it, and lets it come as far as it comes without time. */
  async follow(): Promise<void> {
    this.run();
    await this.rest();
  }

  /** Settles when neither end has done anything for some turns of the event loop. */
  async rest(): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      await untilStill(() => this.#moves());
      if (this.#unanswered === 0 && this.relay === undefined) return;
      // Something may be on its way in the hands of a kernel that is busy elsewhere.
      const before = this.#moves();
      await setTimeout(1);
      if (this.#moves() !== before) tries = -1;
    }
  }

  /** A pod in the namespace `default`, with a label to tell versions apart. */
  put(name: string, version = '1', metadata: Partial<StoredMetadata> = {}): void {
    const labels = { version };
    this.server.objects.put(this.#id, { metadata: { namespace: 'default', name, labels, ...metadata } });
  }

  remove(name: string): void {
    this.server.objects.remove(this.#id, `default/${name}`);
  }

  /** `key uid version` of what the handler was left with, and of what the server has: to be compared. */
  get followed(): readonly string[] {
    const summaries = [...this.replayed.values()].map(
      ({ key, uid, resourceVersion }) => `${key} ${uid} ${resourceVersion}`,
    );
    return summaries.toSorted();
  }

  get served(): readonly string[] {
    const { namespace, ...selectors } = this.#selection;
    return this.server.objects.summary(this.#id, new URLSearchParams({ ...selectors }), namespace);
  }

  requests(match: RequestMatch = {}): readonly LoggedRequest[] {
    return this.server.log.all({ resource: this.#resource.plural, ...match });
  }

  /** Requests for everything: lists, of several pages the first, and watches that begin with everything. */
  fullReads(): readonly LoggedRequest[] {
    const lists = this.requests({ verb: 'list', continued: false });
    return [...lists, ...this.requests({ verb: 'watch', initialEvents: true })].toSorted((a, b) => a.at - b.at);
  }

  /** Watches that go on from a version. */
  resumed(): readonly LoggedRequest[] {
    return this.requests({ verb: 'watch', initialEvents: false });
  }

  /** Forgets what was heard and asked so far. */
  forget(): void {
    this.heard.length = 0;
    this.health.length = 0;
    this.server.log.clear();
  }

  get #id(): string {
    const { group, plural } = this.#resource;
    return group === '' ? plural : `${plural}.${group}`;
  }

  #hear(changes: readonly Change<Kept>[]): void {
    this.beforeHearing();
    for (const { kind, object } of changes) {
      this.#note(`${kind} ${object.key}`);
      if (kind === 'put') this.replayed.set(object.key, object);
      else {
        this.replayed.delete(object.key);
        this.removedUids.push(object.uid);
      }
    }
  }

  #counted(client: ApiClient): ApiClient {
    const count = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
      this.#unanswered += 1;
      try {
        return await answer;
      } finally {
        this.#unanswered -= 1;
        this.#moved += 1;
      }
    };
    return {
      server: client.server,
      request: (request, signal) => count(client.request(request, signal)),
      lines: (request, signal) => count(client.lines(request, signal)),
      close: () => client.close(),
    };
  }

  #note(what: string): void {
    this.heard.push(what);
    this.#moved += 1;
  }

  #moves(): number {
    return this.#moved + this.server.traffic + (this.relay?.traffic ?? 0);
  }
}

function trim(object: RawObject): Kept {
  const { namespace, name, uid, resourceVersion, labels } = object['metadata'] as StoredMetadata;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  return { key, uid, resourceVersion, text: labels?.['version'] ?? '' };
}
