import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { Lease, type Leadership } from '../discovery/kubernetes/lease.ts';
import type { Reflect } from '../discovery/kubernetes/reflect.ts';
import { RootCertificateWriter } from '../discovery/kubernetes/root-certificates/root-certificate-writer.ts';
import { StatusWriter } from '../discovery/kubernetes/status/status-writer.ts';
import { keepWebhookTrust, type WebhookKind } from '../discovery/kubernetes/webhook-trust.ts';
import type { Engine } from '../incremental/engine.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { XdsServer } from '../xds/server.ts';
import type { MeshAuthority } from './authority.ts';
import type { NackedObjects } from './nacked-objects.ts';
import type { Settings } from './settings.ts';
import { statusSubjects } from './status-subjects.ts';
import { timedClock, wallTimeAt } from './system-clock.ts';

export interface KubernetesWritersOptions {
  readonly client: ApiClient;
  readonly reflect: Reflect;
  /** Name of the source whose objects are written on. */
  readonly source: string;
  readonly settings: Pick<Settings, 'kubernetesStatusLease' | 'webhookConfiguration' | 'webhookCa' | 'injectImage'>;
  readonly engine: Engine;
  readonly xds: Pick<XdsServer, 'programming'>;
  /** Whose roots every namespace is told; undefined: there is none. */
  readonly authority: Pick<MeshAuthority, 'authority'> | undefined;
  readonly nacked: NackedObjects;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Everything that Weir writes to an API server. Runs until the signal is aborted; what it has of leases is given back then. A bug in it
 * ends the writing alone: proxies are served all the same (reliability R62).
 */
export async function runKubernetesWriters(options: KubernetesWritersOptions, signal: AbortSignal): Promise<void> {
  try {
    await Promise.all([writeWhileLeading(options, signal), keepTrust(options, signal)]);
  } catch (error) {
    options.log.error('nothing is written to the cluster any more', { error });
  }
}

/** What one replica alone writes: the holder of the lease. */
async function writeWhileLeading(options: KubernetesWritersOptions, signal: AbortSignal): Promise<void> {
  const { client, metrics, log } = options;
  const { kubernetesStatusLease: writersLease } = options.settings;
  if (writersLease === undefined) return;
  const writers = [
    statusWriting(options),
    ...(options.authority === undefined ? [] : [rootWriting(options, options.authority)]),
  ];
  const lease = new Lease({
    client,
    ...writersLease,
    // Two processes of one machine are two.
    identity: `${hostname()}_${randomUUID().slice(0, 8)}`,
    whileLeading: async (leadership) => void (await Promise.all(writers.map((write) => write(leadership)))),
    clock: timedClock,
    random: Math.random,
    log,
  });
  metrics.beforeExposition(() => metrics.leader.set({ lease: writersLease.name }, lease.isLeader ? 1 : 0));
  await lease.run(signal);
}

type Writing = (leadership: Leadership) => Promise<void>;

function statusWriting(options: KubernetesWritersOptions): Writing {
  const { client, metrics, log } = options;
  const subjects = statusSubjects({ ...options, wallTimeAt });
  for (const result of writeResults) metrics.statusWrites.inc({ result }, 0);
  const wrote = (result: string): void => metrics.statusWrites.inc({ result });
  return (leadership) =>
    new StatusWriter({ client, subjects, clock: timedClock, random: Math.random, log, wrote }).run(leadership);
}

function rootWriting(
  { client, reflect, metrics, log }: KubernetesWritersOptions,
  { authority }: Pick<MeshAuthority, 'authority'>,
): Writing {
  for (const result of writeResults) metrics.rootCertificateWrites.inc({ result }, 0);
  const wrote = (result: string): void => metrics.rootCertificateWrites.inc({ result });
  const options = { client, reflect, authority, clock: timedClock, random: Math.random, log, wrote };
  return (leadership) => new RootCertificateWriter(options).run(leadership);
}

const writeResults = ['written', 'gone', 'forbidden', 'failed'] as const;

async function keepTrust(options: KubernetesWritersOptions, signal: AbortSignal): Promise<void> {
  const { client, metrics, log } = options;
  const { webhookConfiguration, webhookCa, injectImage } = options.settings;
  if (webhookConfiguration === undefined || webhookCa === undefined) return;
  for (const result of ['written', 'failed']) metrics.webhookTrustWrites.inc({ result }, 0);
  const keep = (kind: WebhookKind): Promise<void> =>
    keepWebhookTrust(
      {
        client,
        kind,
        configuration: webhookConfiguration,
        authorities: () => readFile(webhookCa, 'utf8'),
        clock: timedClock,
        random: Math.random,
        log,
        wrote: (result) => metrics.webhookTrustWrites.inc({ result }),
      },
      signal,
    );
  await Promise.all([
    keep('ValidatingWebhookConfiguration'),
    ...(injectImage === undefined ? [] : [keep('MutatingWebhookConfiguration')]),
  ]);
}
