import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { Lease } from '../discovery/kubernetes/lease.ts';
import { StatusWriter } from '../discovery/kubernetes/status/status-writer.ts';
import { keepWebhookTrust, type WebhookKind } from '../discovery/kubernetes/webhook-trust.ts';
import type { Engine } from '../incremental/engine.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { XdsServer } from '../xds/server.ts';
import type { NackedObjects } from './nacked-objects.ts';
import type { Settings } from './settings.ts';
import { statusSubjects } from './status-subjects.ts';
import { timedClock, wallTimeAt } from './system-clock.ts';

export interface KubernetesWritersOptions {
  readonly client: ApiClient;
  /** Name of the source whose objects are written on. */
  readonly source: string;
  readonly settings: Pick<Settings, 'kubernetesStatusLease' | 'webhookConfiguration' | 'webhookCa' | 'injectImage'>;
  readonly engine: Engine;
  readonly xds: Pick<XdsServer, 'programming'>;
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
    await Promise.all([writeStatus(options, signal), keepTrust(options, signal)]);
  } catch (error) {
    options.log.error('nothing is written to the cluster any more', { error });
  }
}

async function writeStatus(options: KubernetesWritersOptions, signal: AbortSignal): Promise<void> {
  const { client, metrics, log } = options;
  const { kubernetesStatusLease: statusLease } = options.settings;
  if (statusLease === undefined) return;
  const subjects = statusSubjects({ ...options, wallTimeAt });
  for (const result of ['written', 'gone', 'forbidden', 'failed']) metrics.statusWrites.inc({ result }, 0);
  const wrote = (result: string): void => metrics.statusWrites.inc({ result });
  const lease = new Lease({
    client,
    ...statusLease,
    // Two processes of one machine are two.
    identity: `${hostname()}_${randomUUID().slice(0, 8)}`,
    whileLeading: (leadership) =>
      new StatusWriter({ client, subjects, clock: timedClock, random: Math.random, log, wrote }).run(leadership),
    clock: timedClock,
    random: Math.random,
    log,
  });
  metrics.beforeExposition(() => metrics.leader.set({ lease: statusLease.name }, lease.isLeader ? 1 : 0));
  await lease.run(signal);
}

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
