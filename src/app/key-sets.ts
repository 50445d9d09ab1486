import { fetchText } from '../discovery/jwks/fetch-text.ts';
import type { EgressRules } from '../discovery/jwks/egress-guard.ts';
import { KeySetSource } from '../discovery/jwks/key-set-source.ts';
import type { ApiCluster } from '../discovery/kubernetes/api/cluster.ts';
import type { Engine } from '../incremental/engine.ts';
import { keySetKey } from '../model/authentication.ts';
import { keySets } from '../model/tables.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { wantedKeySets } from '../policy/wanted-key-sets.ts';
import type { Settings } from './settings.ts';
import { timedClock } from './system-clock.ts';

interface KeySetOptions {
  readonly engine: Engine;
  readonly settings: Pick<Settings, 'jwksHosts'>;
  /** The cluster that Weir reads. */
  readonly cluster: ApiCluster | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What an issuer's key set may cost. */
const limits = { timeoutMs: 5_000, maximumBytes: 1_048_576 };

/** Fetches the keys that objects refer to, until the signal is aborted. */
export async function followKeySets(
  { engine, settings, cluster, variables, metrics, log }: KeySetOptions,
  signal: AbortSignal,
): Promise<void> {
  const rules: EgressRules = { hosts: settings.jwksHosts, apiServers: apiServers(cluster, variables) };
  const source = new KeySetSource({
    engine,
    fetchText: (address, end) => fetchText(address, rules, limits, end),
    clock: timedClock,
    random: Math.random,
    log,
    observer: { fetched: (outcome) => metrics.keySetFetches.inc({ outcome }) },
  });
  metrics.beforeExposition(() => {
    const wanted = engine.read(wantedKeySets, 'all').map(keySetKey);
    const known = new Set([...engine.rows(keySets)].map(({ key }) => key));
    const missing = wanted.filter((key) => !known.has(key)).length;
    metrics.keySets.set({ state: 'known' }, wanted.length - missing);
    metrics.keySets.set({ state: 'missing' }, missing);
  });
  const watch = engine.watch(wantedKeySets, 'all', (wanted) => source.want(wanted));
  source.want(watch.value);
  try {
    await source.run(signal);
  } finally {
    watch.stop();
  }
}

/** Names and addresses of the API server: an object must not make Weir ask it. */
function apiServers(cluster: ApiCluster | undefined, variables: KeySetOptions['variables']): readonly string[] {
  const inCluster = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const server = cluster === undefined ? [] : [new URL(cluster.server).hostname.replace(/^\[(.*)\]$/, '$1')];
  const announced = variables['KUBERNETES_SERVICE_HOST'];
  return [...inCluster, ...server, ...(announced === undefined ? [] : [announced])];
}
