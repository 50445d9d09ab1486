import { resourceName } from '../../src/discovery/kubernetes/followed-kinds.ts';
import { KubernetesSource, type KubernetesSourceOptions } from '../../src/discovery/kubernetes/kubernetes-source.ts';
import type { Following, Reflect } from '../../src/discovery/kubernetes/reflect.ts';
import type {
  RawObject,
  Reflected,
  ReflectedSelection,
  ReflectorHealth,
} from '../../src/discovery/kubernetes/reflector/reflected.ts';
import { Engine } from '../../src/incremental/engine.ts';
import type { Commit } from '../../src/incremental/commit.ts';
import type { Table } from '../../src/incremental/definitions.ts';
import type { Source } from '../../src/model/source.ts';
import { placeText } from '../../src/model/source.ts';
import { sourceProblems, sources } from '../../src/model/tables.ts';
import { silentLog } from '../../src/observe/log.ts';

/** Stands for the reflector of one resource: what the test says is what it heard. */
interface Fed {
  readonly following: Following<Reflected>;
  readonly store: Map<string, Reflected>;
}

/** An API server whose objects are handed in. */
export class HandFedServer {
  readonly #fed = new Map<string, Fed>();
  #versions = 0;

  readonly reflect: Reflect = (following) => ({ run: (signal) => this.#follow(following, signal) });

  /** What is followed, for example `pods v1`, or `pods in shop v1`. */
  get followed(): readonly string[] {
    return [...this.#fed].map(([title, { following }]) => `${title} ${following.resource.version}`).toSorted();
  }

  selection(title: string): ReflectedSelection {
    return this.#of(title).following.selection;
  }

  /** Objects as the server has them now, in one turn. */
  put(title: string, ...objects: readonly RawObject[]): void {
    const { following, store } = this.#of(title);
    const changes = objects.map((object) => {
      const kept = following.trim(this.#versioned(object));
      store.set(kept.key, kept);
      return { kind: 'put', object: kept } as const;
    });
    following.handler.changed(changes, 1);
  }

  remove(title: string, ...keys: readonly string[]): void {
    const { following, store } = this.#of(title);
    const changes = keys.map((key) => {
      const object = store.get(key);
      if (object === undefined) throw new Error(`there is no ${key}`);
      store.delete(key);
      return { kind: 'remove', object } as const;
    });
    following.handler.changed(changes, 1);
  }

  synced(...titles: readonly string[]): void {
    for (const title of titles) {
      const { handler } = this.#of(title).following;
      handler.synced();
      handler.health({ kind: 'following' });
    }
  }

  health(title: string, health: ReflectorHealth): void {
    this.#of(title).following.handler.health(health);
  }

  /** What every cluster has: pods last. */
  syncBasics(): void {
    this.synced(...basics);
    this.synced('pods');
  }

  /** The same, and no definitions. */
  syncAll(): void {
    this.synced('customresourcedefinitions.apiextensions.k8s.io');
    this.syncBasics();
  }

  #of(title: string): Fed {
    const fed = this.#fed.get(title);
    if (fed === undefined) throw new Error(`${title} are not followed`);
    return fed;
  }

  #versioned(object: RawObject): RawObject {
    const metadata = object['metadata'];
    return { ...object, metadata: { uid: 'u', resourceVersion: String(++this.#versions), ...(metadata as object) } };
  }

  #follow<Kept extends Reflected>(following: Following<Kept>, signal: AbortSignal): Promise<void> {
    const { resource, selection } = following;
    const name = resourceName(resource);
    const title = selection.namespace === undefined ? name : `${name} in ${selection.namespace}`;
    const fed = { following, store: new Map<string, Reflected>() };
    this.#fed.set(title, fed);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        if (this.#fed.get(title) === fed) this.#fed.delete(title);
        resolve();
      });
    });
  }
}

/** An engine that holds the rows of sources. */
export class HandFedRows {
  readonly engine = new Engine();
  readonly commits: Commit[] = [];

  constructor() {
    this.engine.onCommit((commit) => this.commits.push(commit));
  }

  sourceRow(name: string): Source | undefined {
    return this.engine.read(sources, name);
  }

  /** What is wrong, as `place code path`. */
  get problems(): readonly string[] {
    return [...this.engine.rows(sourceProblems)]
      .map(({ place, code, path }) => `${placeText(place)} ${code}${path === '' ? '' : ` ${path}`}`)
      .toSorted();
  }

  keys<Key extends string, Row>(table: Table<Key, Row>): readonly Key[] {
    return [...this.engine.rows(table)].map((row) => table.keyOf(row)).toSorted();
  }
}

/** A source that follows a server whose objects are handed in. */
export class HandFedCluster {
  readonly server = new HandFedServer();
  readonly rows = new HandFedRows();
  readonly source: KubernetesSource;
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: Partial<KubernetesSourceOptions> = {}) {
    this.source = new KubernetesSource({
      connect: () => ({ server: 'https://api', reflect: this.server.reflect }),
      domain: 'cluster.local',
      namespaces: {},
      rules: { meshConfig: undefined },
      engine: this.rows.engine,
      admit: () => [],
      clock: { now: () => 1000, monotonic: () => 1 },
      log: silentLog,
      ...options,
    });
  }

  /** Begins to follow; nothing is there yet. */
  start(): this {
    this.#running = this.source.run(this.#abort.signal);
    return this;
  }

  /** Settles when nothing is followed any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  get sourceRow(): Source | undefined {
    return this.rows.sourceRow(this.source.name);
  }
}

export const basics = ['namespaces', 'services', 'endpointslices.discovery.k8s.io', 'nodes'] as const;

export function aKubernetesService(name: string, namespace = 'shop', port = 80): RawObject {
  return { metadata: { name, namespace }, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port }] } };
}

export function aKubernetesPod(name: string, address: string, namespace = 'shop'): RawObject {
  return {
    metadata: {
      name,
      namespace,
      labels: { app: name },
      managedFields: [{ manager: 'kubelet', fieldsV1: { 'f:status': {} } }],
    },
    spec: { serviceAccountName: 'web', nodeName: 'n1' },
    status: { phase: 'Running', podIP: address, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

export function aSliceOf(service: string, addresses: readonly string[], namespace = 'shop'): RawObject {
  return {
    metadata: { name: `${service}-x`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'n1' })),
  };
}

export function aNamespace(name: string, labels: Readonly<Record<string, string>> = {}): RawObject {
  return { metadata: { name, labels } };
}

export function aVirtualService(name: string, spec: object = {}, namespace = 'shop'): RawObject {
  return { metadata: { name, namespace, generation: 3 }, spec: { hosts: [name], ...spec } };
}

/** @param versions that are served */
export function aDefinition(
  name: string,
  versions: readonly string[] = ['v1beta1', 'v1'],
  established = true,
): RawObject {
  return {
    metadata: { name },
    spec: { versions: versions.map((version) => ({ name: version, served: true })) },
    status: { conditions: established ? [{ type: 'Established', status: 'True' }] : [] },
  };
}
