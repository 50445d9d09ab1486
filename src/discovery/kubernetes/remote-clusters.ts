import type { Engine } from '../../incremental/engine.ts';
import type { Write } from '../../incremental/commit.ts';
import type { Violation } from '../../model/provenance.ts';
import type { SourceProblem } from '../../model/source.ts';
import { sources } from '../../model/tables.ts';
import { ProblemBoard } from '../problem-board.ts';
import type { Registry, RegistryContext } from '../registry.ts';
import type { ApiCluster } from './api/cluster.ts';
import { readKubeconfig } from './api/kubeconfig.ts';
import type { TimedClock } from './api/timed-clock.ts';
import { FollowedSet } from './followed-set.ts';
import { accessProblems, freshnessOf, sourceKindOf, titleOf, type SourceFreshness } from './followed-state.ts';
import { partsOfKey } from './kept-object.ts';
import { KubernetesSource, type ClusterConnection } from './kubernetes-source.ts';
import type { Change } from './reflector/reflected.ts';
import {
  keepSecret,
  remoteClusterSelector,
  remoteEntries,
  secretResource,
  type KeptSecret,
  type RemoteEntry,
} from './remote-secret.ts';
import type { NamespaceSelection } from './selected-namespaces.ts';
import { Tasks } from './tasks.ts';

export interface RemoteClustersOptions extends RegistryContext {
  readonly clock: TimedClock;
  /** The cluster that has the Secrets. */
  readonly connection: ClusterConnection;
  /** Namespace of the Secrets. */
  readonly namespace: string;
  /** Names of sources that no cluster can have. */
  readonly taken: ReadonlySet<string>;
  /** Opens the way to a cluster. */
  readonly connect: (name: string, cluster: ApiCluster) => RemoteConnection;
  /** What the source of a cluster writes through. */
  readonly writerOf: (name: string) => Pick<Engine, 'batch'>;
  readonly domain: string;
  readonly namespaces: NamespaceSelection;
  /** Milliseconds for which clusters that cannot be reached keep Weir from being ready. Default: 30,000. */
  readonly deadlineMs?: number;
}

export interface RemoteConnection extends ClusterConnection {
  close(): void;
}

interface Remote {
  readonly source: KubernetesSource;
  entry: RemoteEntry;
  /** The way that the source takes; undefined: there is none. */
  connection: RemoteConnection | undefined;
  /** Nothing more is to be expected before the entry changes. */
  refused: boolean;
}

const noConnection: ClusterConnection = { server: '', reflect: () => ({ run: () => Promise.resolve() }) };

/**
 * Further clusters, named by Secrets that come and go. Each is a source of its own with a freshness of its own; together they are a source
 * whose freshness says whether Weir still waits for them, which it does for a limited time only (K116).
 */
export class RemoteClusters implements Registry {
  readonly name = 'remote-clusters';
  private readonly options: RemoteClustersOptions;
  private readonly board: ProblemBoard;
  private readonly followed: FollowedSet;
  private readonly tasks = new Tasks<string>();
  private readonly secrets = new Map<string, KeptSecret>();
  private readonly remotes = new Map<string, Remote>();
  private secretsKnown = false;
  private isOverdue = false;
  private freshness: SourceFreshness = { state: 'unknown' };
  private since: number;

  constructor(options: RemoteClustersOptions) {
    this.options = options;
    this.board = new ProblemBoard(options.log);
    this.followed = new FollowedSet(options.connection.reflect, () => this.stateChanged());
    this.since = options.clock.now();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, namespace, deadlineMs = 30_000 } = this.options;
    this.followed.begin({
      kind: 'Secret',
      resource: secretResource,
      selection: { namespace, labelSelector: remoteClusterSelector },
      trim: keepSecret,
      changed: (changes, at) => this.accept(changes, at),
      synced: () => this.begin(),
    });
    const cancel = clock.after(deadlineMs, () => {
      this.isOverdue = true;
      this.write(() => undefined);
    });
    this.write(() => undefined);
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const parts = [this.followed.untilStopped(either), this.tasks.untilStopped(either)];
    try {
      await Promise.race(parts);
    } finally {
      cancel();
      stop.abort();
      await Promise.allSettled(parts);
    }
  }

  private accept(changes: readonly Change<KeptSecret>[], at: number): void {
    for (const { kind, object } of changes) {
      if (kind === 'put') this.secrets.set(object.key, object);
      else this.secrets.delete(object.key);
    }
    // Before all Secrets are known it is not known either which of two entries of one name counts.
    if (this.secretsKnown) this.reconcile(at);
  }

  private begin(): void {
    this.reconcile(this.options.clock.monotonic());
    this.secretsKnown = true;
    this.write(() => undefined);
  }

  private reconcile(at: number): void {
    const { entries, refused } = remoteEntries(this.secrets.values(), this.options.taken);
    const problems = refused.map((entry) => problemsOf(this.name, entry, entry.violations, false));
    this.write((write) => this.board.show(write, 'entries', problems.flat(), true), at);
    for (const [name, remote] of this.remotes) if (!entries.has(name)) this.remove(name, remote);
    for (const [name, entry] of entries) {
      const remote = this.remotes.get(name) ?? this.add(name, entry);
      const isKnown = remote.entry.kubeconfig === entry.kubeconfig && this.tasks.has(name);
      remote.entry = entry;
      if (!isKnown) this.tasks.start(name, (signal) => this.follow(remote, entry, signal));
    }
  }

  private add(name: string, entry: RemoteEntry): Remote {
    const { admit, clock, log, domain, namespaces, writerOf } = this.options;
    const source = new KubernetesSource({
      name,
      connect: () => remote.connection ?? noConnection,
      engine: writerOf(name),
      rules: undefined,
      ...{ admit, clock, log, domain, namespaces },
    });
    const remote: Remote = { source, entry, connection: undefined, refused: false };
    this.remotes.set(name, remote);
    void source.loaded.then(() => this.write(() => undefined));
    return remote;
  }

  /** The Secret is gone, and with it what the cluster gave. */
  private remove(name: string, { source, entry }: Remote): void {
    this.tasks.stop(name);
    this.remotes.delete(name);
    this.write((write) => this.board.show(write, name, [], true));
    source.forget();
    this.options.log.info('a cluster is not followed any more', { cluster: name, secret: entry.secret });
  }

  private async follow(remote: Remote, entry: RemoteEntry, signal: AbortSignal): Promise<void> {
    const { cluster: name } = entry;
    const reading = readKubeconfig(entry.kubeconfig, { isForeign: true });
    const violations = reading.kind === 'invalid' ? reading.violations : [];
    remote.refused = violations.length > 0;
    this.write((write) => this.board.show(write, name, problemsOf(this.name, entry, violations, true), true));
    if (reading.kind === 'invalid') return remote.source.lose('its kubeconfig cannot be used');
    const connection = this.options.connect(name, reading.value);
    remote.connection = connection;
    try {
      await remote.source.run(signal);
    } finally {
      connection.close();
    }
  }

  private stateChanged(): void {
    this.write((write) => {
      for (const state of this.followed.states) {
        this.board.show(write, titleOf(state), accessProblems(this.name, state), true);
      }
    });
  }

  private write(change: (write: Write) => void, at = this.options.clock.monotonic()): void {
    this.options.engine.batch({ source: this.name, at }, (write) => {
      change(write);
      this.showFreshness(write);
    });
  }

  private showFreshness(write: Write): void {
    const { clock, connection, namespace } = this.options;
    const { states } = this.followed;
    const freshness = this.freshnessNow();
    const { state, reason } = freshness;
    if (state !== this.freshness.state) this.since = clock.now();
    this.freshness = freshness;
    write.put(sources, {
      name: this.name,
      kind: 'kubernetes',
      target: `Secrets in ${namespace} of ${connection.server}`,
      freshness: state,
      ...(reason === undefined ? {} : { reason }),
      since: this.since,
      objects: this.remotes.size,
      kinds: states.map((each) => sourceKindOf(each, this.secrets.size)),
    });
  }

  private freshnessNow(): SourceFreshness {
    const ofSecrets = freshnessOf(this.followed.states, this.secretsKnown, undefined, undefined);
    if (ofSecrets.state === 'unknown' && this.isOverdue) return { ...ofSecrets, state: 'stale' };
    const missing = [...this.remotes.keys()].filter((name) => !this.isSettled(name));
    // Whoever was ready stays so: a cluster that is added later says itself how it goes.
    if (this.freshness.state !== 'unknown' || this.isOverdue || missing.length === 0) return ofSecrets;
    return { state: 'unknown', reason: `waiting for ${missing.join(', ')}` };
  }

  private isSettled(name: string): boolean {
    const remote = this.remotes.get(name);
    return remote === undefined || remote.refused || remote.source.isLoaded;
  }
}

function problemsOf(
  source: string,
  { secret, cluster }: RemoteEntry,
  violations: readonly Violation[],
  keptLastGood: boolean,
): readonly SourceProblem[] {
  const object = { kind: 'Secret', ...partsOfKey(secret), origin: { source } };
  return violations.map(({ code, path, message, advice }, index) => ({
    key: `${source} Secret ${secret} ${cluster}/${index}`,
    source,
    place: { kind: 'object', object },
    code,
    path: path === '' ? `data.${cluster}` : `data.${cluster}.${path}`,
    message,
    advice,
    keptLastGood,
  }));
}
