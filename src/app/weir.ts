import { hostname } from 'node:os';
import type { PlaceOf } from '../admin/status-report.ts';
import { FileSource } from '../discovery/file/file-source.ts';
import type { ApiCluster } from '../discovery/kubernetes/api/cluster.ts';
import type { Registry } from '../discovery/registry.ts';
import { SharedRows } from '../discovery/shared-rows.ts';
import { Engine } from '../incremental/engine.ts';
import { ownSettings } from '../model/tables.ts';
import type { Log } from '../observe/log.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import { scopesOf } from '../policy/scope.ts';
import { IssuedSecrets } from '../xds/issued-secrets.ts';
import { resource, resourceNames, resourceSteps } from '../xds/resources.ts';
import { XdsServer } from '../xds/server.ts';
import { serveAdmin } from './admin.ts';
import { adminTokenCheck } from './admin-token.ts';
import { adminViews } from './admin-views.ts';
import { admit } from './admission.ts';
import { meshAuthority } from './authority.ts';
import { callersOf } from './callers.ts';
import { auditNowAndThen } from './audit.ts';
import { deliveryMetrics, measureLoad } from './delivery-metrics.ts';
import { beginIndexes } from './early-indexes.ts';
import { logFindings } from './finding-log.ts';
import { guardViews } from './guard-views.ts';
import { kubernetesRegistries } from './kubernetes.ts';
import { runKubernetesWriters } from './kubernetes-writers.ts';
import { followKeySets } from './key-sets.ts';
import { formatSocketAddress } from './listen-address.ts';
import { untilReady } from './readiness.ts';
import { nacosRegistries } from './nacos.ts';
import { RegistryLayers } from './registry-layers.ts';
import { NackedObjects } from './nacked-objects.ts';
import type { Settings } from './settings.ts';
import { countCommits, countingEqual, measureState, measureTaint } from './state-metrics.ts';
import { observers, streamLog } from './stream-log.ts';
import { busyShare, serverClock, sourceClock, systemPacing, timedClock } from './system-clock.ts';
import { nativeSidecars } from './native-sidecars.ts';
import { listenWebhook } from './webhook.ts';
import { listenXds } from './xds-listeners.ts';

/** Where Weir can be reached. */
export interface Addresses {
  /** `host:port` of plaintext xDS; undefined: not served. */
  readonly xdsPlaintext: string | undefined;
  /** `host:port` of xDS over TLS; undefined: not served. */
  readonly xdsTls: string | undefined;
  /** `host:port`. */
  readonly admin: string;
  /** `host:port` of the validating webhook; undefined: not served. */
  readonly webhook: string | undefined;
}

export interface WeirOptions {
  readonly settings: Settings;
  /** undefined: no cluster is read. */
  readonly cluster: ApiCluster | undefined;
  /** Of the process: for programs that give credentials of the cluster. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly log: Log;
  /** Called once, when every source has been read and proxies are served. */
  readonly onReady: (addresses: Addresses) => void;
}

type Weir = ReturnType<typeof assemble>;

/**
 * Runs Weir until the signal is aborted, and settles when everything it started has stopped.
 *
 * @throws a typed error when an address is taken or a source cannot even begin; everything has stopped by then
 */
export async function runWeir(options: WeirOptions, signal: AbortSignal): Promise<void> {
  const weir = assemble(options);
  const stop = new AbortController();
  const opened: { close(): Promise<void> }[] = [];
  try {
    await live(weir, options, opened, AbortSignal.any([signal, stop.signal]));
  } finally {
    stop.abort();
    weir.xds.close();
    await Promise.all(opened.map((server) => server.close()));
    for (const end of weir.watches) end();
    weir.close();
  }
}

/** Weir's parts and how they hang together. Nothing runs yet. */
function assemble(options: WeirOptions) {
  const { settings, version, log } = options;
  const startedAt = Date.now();
  const metrics = createMetrics({ version, uptime: () => process.uptime(), processMetrics: true });

  // The state: rows that sources write, and everything that follows from them. A bug in one computation stays in it.
  const engine = new Engine({
    onFailure: ({ query, key, error }) => {
      metrics.internalErrors.inc();
      log.error('a computation failed; its last result stays in force', { query, key, error });
    },
  });

  beginIndexes(engine.read);
  engine.batch({ source: 'settings', at: 0 }, (write) =>
    write.put(ownSettings, { routeDelivery: settings.routeDelivery, trustDomain: settings.trustDomain }),
  );

  const { registries, placeOf, client, reflect, layers, close } = sourcesOf(options, engine, metrics);
  const sourceNames = registries.map(({ name }) => name);

  // Identity: what signs the certificates of workloads, and who calls.
  const authority = meshAuthority({ settings, client, proxies: () => xds.proxies(), metrics, log });
  const callers = callersOf({ settings, client, others: authority === undefined ? [] : [authority.joinTokens] });

  // Delivery: the resources of each proxy's scopes, kept up to date on its stream.
  const nacked = new NackedObjects();
  const observer = observers(streamLog(log), deliveryMetrics(metrics), nacked.observer);
  const xds = new XdsServer({
    engine,
    queries: {
      names: resourceNames,
      steps: resourceSteps,
      resource: countingEqual(resource, () => metrics.suppressedResources.inc()),
      scopes: scopesOf,
    },
    clock: serverClock,
    observer,
    identifier: `${hostname()}/${version}`,
    random: Math.random,
    pacing: systemPacing(),
    ...(authority === undefined
      ? {}
      : { secrets: new IssuedSecrets({ authority: authority.authority, clock: serverClock, random: Math.random }) }),
  });

  // Views: the log, the metrics and the admin server read the same state.
  measure(engine, xds, metrics);
  const watches = [countCommits(engine, metrics), logFindings(engine, placeOf, log)];
  const views = adminViews({
    ...{ engine, xds, metrics, placeOf, version, startedAt, sourceNames, authority },
    guard: guardViews(layers, adminTokenCheck(settings.adminTokenFile, log)),
  });
  return {
    ...{ engine, registries, layers, client, reflect, authority, callers, nacked, sourceNames },
    ...{ xds, observer, metrics, views, watches, close },
  };
}

function measure(engine: Engine, xds: XdsServer, metrics: Metrics): void {
  measureState(engine, () => xds.proxies(), metrics);
  measureTaint(() => xds.taint, metrics);
  measureLoad(() => xds.load, busyShare(), metrics);
}

/** Each writes rows and nothing else. What does not decode never becomes a row. */
function sourcesOf({ settings, cluster, variables, version, log }: WeirOptions, engine: Engine, metrics: Metrics) {
  const shared = new SharedRows(engine);
  // Of registries that infer from silence what is gone.
  const layers = new RegistryLayers({ settings, shared, clock: timedClock, log, metrics });
  const context = { admit, log };
  const { domain, files: directories } = settings;
  const files =
    directories === undefined
      ? undefined
      : new FileSource({
          ...context,
          clock: sourceClock,
          engine: shared.writerOf({ name: 'files', kind: 'files', rank: 0 }),
          directories,
          domain,
        });
  const kubernetes =
    cluster === undefined
      ? undefined
      : kubernetesRegistries({
          ...{ cluster, settings, shared, context, metrics, version, variables },
          taken: ['files', 'nacos'],
        });
  const nacos = nacosRegistries({ settings, layers, context, metrics, version });
  const placeOf: PlaceOf = (object, path) => files?.placeOf(object, path);
  const registries: readonly Registry[] = [
    ...(files === undefined ? [] : [files]),
    ...(kubernetes?.registries ?? []),
    ...nacos,
  ];
  const { client, reflect } = kubernetes ?? {};
  return { registries, placeOf, layers, client, reflect, close: () => client?.close() };
}

/** Listens first, so that a taken address ends it at once; then reads the sources; then serves until it is told to stop. */
async function live(
  weir: Weir,
  { settings, cluster, variables, log, onReady }: WeirOptions,
  opened: { close(): Promise<void> }[],
  signal: AbortSignal,
): Promise<void> {
  const { engine, registries, layers, client, authority, callers, sourceNames, xds, observer, metrics, views } = weir;
  // What is wrong with a directory ends it at once, before anybody depends on it; a Secret may be out of reach for a while.
  if (settings.caDir !== undefined || settings.xdsTls !== undefined) await authority?.open();
  const admin = await serveAdmin({ settings, views, callers, metrics, log });
  opened.push(admin);
  const listeners = await listenXds({
    ...{ settings, xds, callers, observer, metrics, log },
    authority: authority?.authority,
  });
  opened.push(listeners);
  if (listeners.plaintext === undefined && listeners.tls === undefined) {
    log.warn('no proxy can connect: xDS is served nowhere; --xds-plaintext HOST:PORT or --xds-tls HOST:PORT serves it');
  }

  const native = nativeSidecars(settings.injectNative, client, timedClock);
  const webhook = await listenWebhook({ settings, read: engine.read, nativeSidecars: native.current, metrics, log });
  if (webhook !== undefined) opened.push(webhook);

  const audit = { engine, interval: settings.auditInterval, log, metrics, clock: sourceClock };
  await layers.restore();
  const runs = [
    ...[...registries, layers].map((part) => part.run(signal)),
    followKeySets({ engine, settings, cluster, variables, metrics, log }, signal),
    auditNowAndThen(audit, signal),
    ...(settings.injectImage === undefined ? [] : [native.run(signal)]),
    ...(authority === undefined ? [] : [authority.run(signal)]),
  ];
  // When one of them fails the others are told to stop, and have to be waited for as well.
  opened.push({ close: async () => void (await Promise.allSettled(runs)) });
  const followed = Promise.all(runs);
  await Promise.race([untilReady(engine, sourceNames, signal), followed]);
  if (!signal.aborted) {
    xds.open();
    const { host } = settings.admin;
    onReady({
      xdsPlaintext: listeners.plaintext,
      xdsTls: listeners.tls,
      admin: formatSocketAddress({ host, port: admin.port }),
      webhook: webhook?.address,
    });
    const writing = writeToCluster(weir, { settings, log }, signal);
    opened.push({ close: () => writing });
  }
  await followed;
}

/** What became of objects is known when everything has been read. */
async function writeToCluster(
  { client, reflect, engine, xds, authority, nacked, metrics }: Weir,
  { settings, log }: Pick<WeirOptions, 'settings' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  if (client === undefined || reflect === undefined) return;
  const source = 'kubernetes';
  const options = { client, reflect, source, settings, engine, xds, authority, nacked, metrics, log };
  await runKubernetesWriters(options, signal);
}
