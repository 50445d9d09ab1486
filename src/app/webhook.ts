import type { Read } from '../incremental/definitions.ts';
import { listenForReviews, type WebhookObserver } from '../inject/validation-webhook-server.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { judgeOf } from './admission-judge.ts';
import { formatSocketAddress } from './listen-address.ts';
import type { Settings } from './settings.ts';
import { serverClock } from './system-clock.ts';
import { followTlsFiles, readServerFiles } from './tls-files.ts';

/** Milliseconds between looks at the files of the certificate. */
const fileInterval = 10_000;

export interface WebhookOptions {
  readonly settings: Settings;
  readonly read: Read;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface Webhook {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Answers reviews where that is asked for.
 *
 * @returns undefined where it is not
 * @throws WebhookListenError, TlsFileError; nothing is listened on then
 */
export async function listenWebhook({ settings, read, metrics, log }: WebhookOptions): Promise<Webhook | undefined> {
  const { webhook, webhookCert, webhookKey, domain } = settings;
  if (webhook === undefined || webhookCert === undefined || webhookKey === undefined) return undefined;
  const files = { key: webhookKey, certificate: webhookCert };
  const identity = await readServerFiles(files);
  const judge = judgeOf({ read, domain });
  const server = await listenForReviews({ ...webhook, identity, judge, observer: counted(metrics, log) });
  const stopFollowing = followTlsFiles({
    read: () => readServerFiles(files),
    identity,
    interval: fileInterval,
    clock: serverClock,
    changed: (next) => {
      server.replaceIdentity(next);
      log.info('the certificate of the webhook was read again; new connections get it');
    },
    failed: (error) =>
      log.error('the certificate of the webhook has changed and is of no use; the one before stays', { error }),
  });
  return {
    address: formatSocketAddress({ host: webhook.host, port: server.port }),
    close: () => {
      stopFollowing();
      return server.close();
    },
  };
}

function counted({ reviews }: Metrics, log: Log): WebhookObserver {
  for (const outcome of ['allowed', 'refused', 'malformed', 'failed']) reviews.inc({ outcome }, 0);
  return {
    reviewed: (outcome) => reviews.inc({ outcome }),
    malformed: (reason) => {
      reviews.inc({ outcome: 'malformed' });
      log.warn('the webhook was asked something that is no review', { reason });
    },
    failed: (error) => {
      reviews.inc({ outcome: 'failed' });
      log.error('a review failed', { error });
    },
  };
}
