import type { ApiCluster } from '../discovery/kubernetes/api/cluster.ts';
import { createApiClient, type ApiClientEnvironment } from '../discovery/kubernetes/api/create-api-client.ts';
import { KubernetesSource } from '../discovery/kubernetes/kubernetes-source.ts';
import type { Reflect } from '../discovery/kubernetes/reflect.ts';
import type { ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { Reflector } from '../discovery/kubernetes/reflector/reflector.ts';
import { Contact } from '../discovery/kubernetes/reflector/contact.ts';
import { ListTurns } from '../discovery/kubernetes/reflector/turns.ts';
import { RemoteClusters, type RemoteConnection } from '../discovery/kubernetes/remote-clusters.ts';
import { probeServer } from '../discovery/kubernetes/server-probe.ts';
import type { Registry, RegistryContext } from '../discovery/registry.ts';
import type { SharedRows } from '../discovery/shared-rows.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { measureReflectors, type MeasuredReflector } from './reflector-metrics.ts';
import type { Settings } from './settings.ts';
import { timedClock } from './system-clock.ts';

export interface KubernetesOptions {
  /** Where Weir's own cluster is. */
  readonly cluster: ApiCluster;
  readonly settings: Settings;
  readonly shared: SharedRows;
  readonly context: Omit<RegistryContext, 'engine' | 'clock'>;
  /** Names of sources that no cluster can have. */
  readonly taken: readonly string[];
  readonly metrics: Metrics;
  readonly version: string;
  /** Of the process: for programs that give credentials. */
  readonly variables: ApiClientEnvironment['variables'];
}

export interface KubernetesRegistries {
  readonly registries: readonly Registry[];
  /** To Weir's own cluster. */
  readonly client: ApiClient;
  /** Follows further kinds of Weir's own cluster. */
  readonly reflect: Reflect;
}

/** Files that are given beside a cluster come before it, and further clusters after it. */
const ownRank = 1;
const remoteRank = 2;

/** The cluster as a source, and further clusters if they are asked for. Nothing runs yet. */
export function kubernetesRegistries(options: KubernetesOptions): KubernetesRegistries {
  const { cluster, settings, shared, metrics, version, variables } = options;
  const { kubernetesMeshConfig: meshConfig, kubernetesRemoteSecrets: secrets, domain } = settings;
  const context = { ...options.context, clock: timedClock };
  const namespaces = {
    ...(settings.kubernetesNamespaces === undefined ? {} : { names: settings.kubernetesNamespaces }),
    ...(settings.kubernetesNamespaceSelector === undefined ? {} : { selector: settings.kubernetesNamespaceSelector }),
  };
  const reflectors = new Set<MeasuredReflector>();
  measureReflectors(reflectors, metrics);
  const connect = (name: string, to: ApiCluster): RemoteConnection & { readonly client: ApiClient } => {
    const client = createApiClient(to, { clock: timedClock, userAgent: `weir/${version}`, variables });
    return {
      server: to.server,
      reflect: reflecting(name, client, reflectors, context.log),
      probe: (doubted, signal) => probeServer({ client, clock: timedClock, random: Math.random }, doubted, signal),
      client,
      close: () => client.close(),
    };
  };

  const name = 'kubernetes';
  const own = connect(name, cluster);
  const source = new KubernetesSource({
    ...context,
    name,
    engine: shared.writerOf({ name, kind: 'kubernetes', rank: ownRank }),
    connect: () => own,
    domain,
    namespaces,
    rules: { meshConfig },
  });
  if (secrets === undefined) return { registries: [source], client: own.client, reflect: own.reflect };
  const remotes = new RemoteClusters({
    ...context,
    engine: shared.writerOf({ name: 'remote-clusters', kind: 'kubernetes', rank: remoteRank }),
    connection: own,
    namespace: secrets,
    taken: new Set([...options.taken, name, 'remote-clusters']),
    connect,
    writerOf: (remote) => shared.writerOf({ name: remote, kind: 'kubernetes', rank: remoteRank }),
    domain,
    namespaces,
  });
  return { registries: [source, remotes], client: own.client, reflect: own.reflect };
}

/** Parsed in one piece, a list of them would hold up everything else for longer than 100 ms. */
const largeKinds: ReadonlySet<string> = new Set(['EndpointSlice', 'Pod', 'Service']);
/** There are most of them, and nothing waits for them (K25). */
const lastKind = 'Pod';
const listsAtOnce = 2;

/** Follows by reflectors of one server, which take turns, and keeps account of them. */
function reflecting(cluster: string, client: ApiClient, reflectors: Set<MeasuredReflector>, log: Log): Reflect {
  const turns = new ListTurns(listsAtOnce);
  const contact = new Contact();
  return (following) => {
    const { kind } = following.resource;
    const reflector = new Reflector({
      ...following,
      client,
      clock: timedClock,
      random: Math.random,
      log: log.with({ cluster }),
      turn: turns.at(kind === lastKind ? 1 : 0),
      contact,
      isLarge: largeKinds.has(kind),
    });
    const { namespace } = following.selection;
    const measured = { cluster, kind, namespace, metrics: () => reflector.metrics() };
    return {
      async run(signal) {
        reflectors.add(measured);
        try {
          await reflector.run(signal);
        } finally {
          reflectors.delete(measured);
        }
      },
    };
  };
}
