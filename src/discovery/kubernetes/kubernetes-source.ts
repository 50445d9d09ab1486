import type { Write } from '../../incremental/commit.ts';
import type { SourceKind } from '../../model/source.ts';
import { sources } from '../../model/tables.ts';
import { ProblemBoard } from '../problem-board.ts';
import type { Registry, RegistryContext } from '../registry.ts';
import { ClusterObjects } from './cluster-objects.ts';
import {
  absentKind,
  availabilityOf,
  definitionProblems,
  keepDefinition,
  type Availability,
  type KeptDefinition,
} from './custom-definitions.ts';
import {
  basicKinds,
  definedKinds,
  definitionResource,
  meshConfigMapKind,
  podKind,
  resourceName,
  type FollowedKind,
} from './followed-kinds.ts';
import { FollowedSet } from './followed-set.ts';
import {
  accessProblems,
  freshnessOf,
  isSettled,
  sourceKindOf,
  titleOf,
  type SourceFreshness,
} from './followed-state.ts';
import { keepObject } from './kept-object.ts';
import type { ObjectContext } from './objects/object-rows.ts';
import type { Reflect } from './reflect.ts';
import type { Change } from './reflector/reflected.ts';
import type { NamespaceSelection } from './selected-namespaces.ts';
import type { Doubted } from './server-probe.ts';
import { SharedText } from './shared-text.ts';

export interface KubernetesSourceOptions extends RegistryContext {
  /** Default: `kubernetes`. Each cluster has a name of its own. */
  readonly name?: string;
  /** Called whenever it begins to follow: another time it may be by another way. */
  readonly connect: () => ClusterConnection;
  /** Cluster domain, for example `cluster.local`. */
  readonly domain: string;
  readonly namespaces: NamespaceSelection;
  /** undefined: the cluster gives services and what is behind them, and its rules are not read. */
  readonly rules: ClusterRules | undefined;
}

/** A way to an API server. */
export interface ClusterConnection {
  /** URL, for people. */
  readonly server: string;
  readonly reflect: Reflect;
  /** Says whether the server is still to be believed; undefined: nobody asks. */
  readonly probe?: (doubted: Doubted, signal: AbortSignal) => Promise<void>;
}

export interface ClusterRules {
  /** The ConfigMap with the settings of the mesh. */
  readonly meshConfig: { readonly namespace: string; readonly name: string } | undefined;
}

const nothingFollowed = new FollowedSet(
  () => ({ run: () => Promise.resolve() }),
  () => undefined,
);

const definitionKind = `${definitionResource.group}/${definitionResource.kind}`;

/**
 * A Kubernetes cluster as a registry. Every kind of object is followed by itself, what changes together is in force together, and pods are
 * asked for when everything else is there (K25). It can be run again when it has stopped: what it holds stays in force until it knows better.
 */
export class KubernetesSource implements Registry {
  readonly name: string;
  private readonly options: KubernetesSourceOptions;
  private readonly context: ObjectContext;
  private readonly board: ProblemBoard;
  private readonly objects: ClusterObjects;
  private readonly shared = new SharedText();
  private readonly definitions = new Map<string, KeptDefinition>();
  private readonly followedVersions = new Map<FollowedKind, string>();
  private readonly firstLoad = Promise.withResolvers<void>();
  private followed = nothingFollowed;
  private server = '';
  private podsFollowed = false;
  /** Why nothing is followed although it should be. */
  private lost: string | undefined;
  /** Why the server is not to be believed. */
  private doubt: string | undefined;
  private freshness: SourceFreshness = { state: 'unknown' };
  private since: number;

  constructor(options: KubernetesSourceOptions) {
    this.options = options;
    this.name = options.name ?? 'kubernetes';
    const { domain, admit, namespaces, log } = options;
    const origin = { source: this.name };
    this.context = { source: this.name, cluster: this.name, domain, origin, admit };
    this.board = new ProblemBoard(log);
    this.objects = new ClusterObjects(origin, namespaces, this.board);
    this.since = options.clock.now();
  }

  /** Whether every kind has been read once. */
  get isLoaded(): boolean {
    return this.freshness.state !== 'unknown';
  }

  /** Settles when every kind has been read once. */
  get loaded(): Promise<void> {
    return this.firstLoad.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { rules, connect } = this.options;
    const { server, reflect, probe } = connect();
    this.server = server;
    this.lost = undefined;
    this.doubt = undefined;
    this.podsFollowed = false;
    this.followed = new FollowedSet(reflect, () => this.stateChanged());
    if (probe !== undefined) this.followed.accompany((ended) => probe((reason) => this.doubted(reason, ended), ended));
    if (rules !== undefined) this.followDefinitions();
    for (const kind of basicKinds) this.follow(kind);
    if (rules?.meshConfig !== undefined) {
      const { namespace, name } = rules.meshConfig;
      this.followIn(meshConfigMapKind(name), namespace);
    }
    this.write(this.now(), () => undefined);
    await this.followed.untilStopped(signal);
  }

  /** Nothing can be followed: what is held is stale. */
  lose(reason: string): void {
    this.lost = reason;
    this.write(this.now(), () => undefined);
  }

  /** Takes everything away that it has written. */
  forget(): void {
    for (const kind of this.objects.kinds) {
      this.options.engine.batch({ source: this.name, at: this.now() }, (write) =>
        this.objects.retain(write, kind, new Set(), undefined),
      );
    }
    this.options.engine.batch({ source: this.name, at: this.now() }, (write) => {
      this.board.clear(write);
      write.remove(sources, this.name);
    });
  }

  private doubted(reason: string | undefined, ended: AbortSignal): void {
    if (ended.aborted || reason === this.doubt) return;
    this.doubt = reason;
    this.write(this.now(), () => undefined);
  }

  private readonly now = (): number => this.options.clock.monotonic();

  private follow(kind: FollowedKind, version: string = kind.versions[0]): void {
    const { names } = this.options.namespaces;
    const namespaces = kind.namespaced && names !== undefined ? names : [undefined];
    for (const namespace of namespaces) this.followIn(kind, namespace, version);
  }

  private followIn(kind: FollowedKind, namespace: string | undefined, version: string = kind.versions[0]): void {
    const { fieldSelector, group, plural } = kind;
    // After a change of version the objects are there before the set that says which of them there still are.
    const seen = this.objects.isEmpty(kind.name) ? undefined : new Set<string>();
    const before = (key: string) => this.objects.rowsOf(kind.name, key);
    this.followed.begin({
      kind: kind.name,
      resource: { group, version, plural, kind: kind.kind },
      selection: {
        ...(namespace === undefined ? {} : { namespace }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
      trim: (object) => keepObject(kind, object, this.context, this.shared, before),
      changed: (changes, at) => {
        for (const { object } of seen === undefined ? [] : changes) seen?.add(object.key);
        this.write(at, (write) => this.objects.apply(write, kind.name, changes));
      },
      synced: () => {
        if (seen !== undefined)
          this.write(this.now(), (write) => this.objects.retain(write, kind.name, seen, namespace));
      },
    });
  }

  private followDefinitions(): void {
    this.followed.begin({
      kind: definitionKind,
      resource: definitionResource,
      selection: {},
      trim: keepDefinition,
      changed: (changes, at) => this.write(at, (write) => this.acceptDefinitions(write, changes)),
      synced: () => undefined,
    });
  }

  private acceptDefinitions(write: Write, changes: readonly Change<KeptDefinition>[]): void {
    for (const { kind: change, object } of changes) {
      if (change === 'put') this.definitions.set(object.key, object);
      else this.definitions.delete(object.key);
      const kind = definedKinds.find((candidate) => resourceName(candidate) === object.key);
      // With the definition the objects are gone, too.
      if (change === 'remove' && kind !== undefined) this.objects.retain(write, kind.name, new Set(), undefined);
    }
    for (const kind of definedKinds) this.followDefined(write, kind);
  }

  /** Follows a kind as its definition says. A definition that only pauses takes nothing away. */
  private followDefined(write: Write, kind: FollowedKind): void {
    const availability = this.availabilityOf(kind);
    const problems = definitionProblems(this.name, kind, availability);
    this.board.show(write, `${resourceName(kind)} versions`, problems, true);
    const version = availability.kind === 'served' ? availability.version : undefined;
    if (version === this.followedVersions.get(kind)) return;
    if (version === undefined) return this.unfollow(write, kind);
    this.followedVersions.set(kind, version);
    this.follow(kind, version);
  }

  private availabilityOf(kind: FollowedKind): Availability {
    return availabilityOf(kind, this.definitions.get(resourceName(kind)));
  }

  private unfollow(write: Write, kind: FollowedKind): void {
    this.followedVersions.delete(kind);
    for (const state of this.followed.states) {
      if (state.kind !== kind.name) continue;
      this.followed.end(titleOf(state));
      this.board.show(write, titleOf(state), [], true);
    }
  }

  private stateChanged(): void {
    if (!this.podsFollowed && this.followed.states.every(isSettled)) {
      this.podsFollowed = true;
      this.follow(podKind);
    }
    this.write(this.now(), (write) => {
      for (const state of this.followed.states) {
        this.board.show(write, titleOf(state), accessProblems(this.name, state), true);
      }
    });
  }

  /** One batch, with what it makes of the source as a whole. */
  private write(at: number, change: (write: Write) => void): void {
    this.options.engine.batch({ source: this.name, at }, (write) => {
      change(write);
      this.showFreshness(write);
    });
  }

  private showFreshness(write: Write): void {
    const { clock, log } = this.options;
    const { server } = this;
    const freshness = freshnessOf(this.followed.states, this.isLoaded, this.lost, this.doubt);
    const { state, reason } = freshness;
    if (state !== this.freshness.state) {
      this.since = clock.now();
      const level = state === 'stale' ? 'warn' : 'info';
      log[level](`the cluster is ${state}`, { source: this.name, server, ...(reason === undefined ? {} : { reason }) });
    }
    this.freshness = freshness;
    if (state !== 'unknown') this.firstLoad.resolve();
    write.put(sources, {
      name: this.name,
      kind: 'kubernetes',
      target: server,
      freshness: state,
      ...(reason === undefined ? {} : { reason }),
      since: this.since,
      objects: this.objects.total,
      kinds: this.kinds(),
    });
  }

  private kinds(): readonly SourceKind[] {
    const followed = this.followed.states.map((state) => sourceKindOf(state, this.countOf(state.kind)));
    const absent = definedKinds.flatMap((kind) => absentKind(kind, this.availabilityOf(kind)) ?? []);
    return this.options.rules === undefined ? followed : [...followed, ...absent];
  }

  private countOf(kind: string): number {
    return kind === definitionKind ? this.definitions.size : this.objects.count(kind);
  }
}
