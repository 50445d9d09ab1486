import { X509Certificate } from 'node:crypto';
import type { Read } from '../incremental/definitions.ts';
import { answerInjection, type InjectionOutcome } from '../inject/injection-webhook.ts';
import type { InjectionOptions } from '../inject/sidecar-form.ts';
import { answerReview } from '../inject/validation-webhook.ts';
import { listenForReviews, type Review, type WebhookObserver } from '../inject/webhook-server.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { defaultClusterId } from '../inject/sidecar-form.ts';
import { judgeOf } from './admission-judge.ts';
import { formatSocketAddress } from './listen-address.ts';
import type { Settings } from './settings.ts';
import { serverClock } from './system-clock.ts';
import { followTlsFiles, readServerFiles, type ServerIdentity } from './tls-files.ts';

/** Milliseconds between looks at the files of the certificate. */
const fileInterval = 10_000;

export interface WebhookOptions {
  readonly settings: Settings;
  readonly read: Read;
  /** Whether the cluster runs init containers that stay. */
  readonly nativeSidecars: () => boolean;
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
export async function listenWebhook(options: WebhookOptions): Promise<Webhook | undefined> {
  const { settings, metrics, log } = options;
  const { webhook, webhookCert, webhookKey } = settings;
  if (webhook === undefined || webhookCert === undefined || webhookKey === undefined) return undefined;
  const files = { key: webhookKey, certificate: webhookCert };
  const identity = await readServerFiles(files);
  const reviews = new Map([['/validate', validation(options)]]);
  const injection = injectionReview(options);
  if (injection !== undefined) reviews.set('/inject', injection);
  const server = await listenForReviews({ ...webhook, identity, reviews, observer: counted(metrics, log) });
  metrics.webhookCertificateExpiry.set(secondsOfEnd(identity));
  const stopFollowing = followTlsFiles({
    read: () => readServerFiles(files),
    identity,
    interval: fileInterval,
    clock: serverClock,
    changed: (next) => {
      server.replaceIdentity(next);
      metrics.webhookCertificateExpiry.set(secondsOfEnd(next));
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

function validation({ settings, read, metrics }: WebhookOptions): Review {
  const judge = judgeOf({ read, domain: settings.domain });
  for (const outcome of ['allowed', 'refused']) metrics.reviews.inc({ outcome }, 0);
  return (body) => {
    const answer = answerReview(body, judge);
    if (answer.kind === 'answer') metrics.reviews.inc({ outcome: answer.outcome });
    return answer;
  };
}

/** undefined where nothing is injected. */
function injectionReview({ settings, metrics, nativeSidecars }: WebhookOptions): Review | undefined {
  const { injectImage, injectEnvoyImage, injectXds, injectAudience, injectNever, domain } = settings;
  if (injectImage === undefined) return undefined;
  const options = (): InjectionOptions => ({
    weirImage: injectImage,
    envoyImage: injectEnvoyImage,
    xds: injectXds,
    tokenAudience: injectAudience,
    domain,
    clusterId: defaultClusterId,
    nativeSidecars: nativeSidecars(),
    excludedNamespaces: injectNever,
  });
  const count = (outcome: InjectionOutcome): void => {
    metrics.injectionRequests.inc();
    if (outcome === 'injected') metrics.injectionSuccesses.inc();
    else if (outcome === 'skipped') metrics.injectionSkips.inc();
    else metrics.injectionFailures.inc();
  };
  return (body) => {
    const answer = answerInjection(body, options());
    if (answer.kind === 'answer') count(answer.outcome);
    return answer;
  };
}

/** Since 1970. */
function secondsOfEnd({ certificate }: ServerIdentity): number {
  return new X509Certificate(certificate).validToDate.getTime() / 1000;
}

function counted({ reviews }: Metrics, log: Log): WebhookObserver {
  for (const outcome of ['malformed', 'failed']) reviews.inc({ outcome }, 0);
  return {
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
