import { X509Certificate } from 'node:crypto';
import { describeError, type Log } from '../../observe/log.ts';
import { ApiError, type ApiClient } from './api/api-client.ts';
import { pause, type TimedClock } from './api/timed-clock.ts';
import { isMapping } from './objects/object-rows.ts';

/**
 * Keeps the authority of the webhook's certificate in the configuration of a webhook, by every replica (kubernetes K89): what they write
 * converges, so that no lease is needed. While an authority is replaced both are trusted: each replica adds its own, and only what has
 * run out is taken away.
 */

export type WebhookKind = 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration';

export interface WebhookTrustOptions {
  readonly client: ApiClient;
  readonly kind: WebhookKind;
  /** Name of the object of that kind. */
  readonly configuration: string;
  /** PEM of the authorities, read again each time. */
  readonly authorities: () => Promise<string>;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Called after each write that was tried, and each look that failed. */
  readonly wrote: (result: 'written' | 'failed') => void;
}

/** Milliseconds: between looks, and after one that failed. */
const times = { look: 30_000, retry: 5_000, conflict: 200 } as const;
/** Under which name Weir owns `caBundle`, and nothing else of the configuration (reliability R32). */
const fieldManager = 'weir-webhook-trust';

/** Looks now and then until the signal is aborted. */
export async function keepWebhookTrust(options: WebhookTrustOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log, wrote } = options;
  let complaint = '';
  while (!signal.aborted) {
    let wait: number = times.look;
    try {
      if (await publish(options, signal)) wrote('written');
      complaint = '';
    } catch (error) {
      if (signal.aborted) return;
      const message = describeError(error);
      const isConflict = error instanceof ApiError && error.status === 409;
      if (!isConflict) wrote('failed');
      if (!isConflict && message !== complaint) log.warn(explanation(options, error), { error });
      if (!isConflict) complaint = message;
      wait = isConflict ? times.conflict : times.retry;
    }
    await pause(clock, wait * (0.8 + 0.4 * random()), signal);
  }
}

function explanation({ kind, configuration }: WebhookTrustOptions, error: unknown): string {
  const object = `the ${kind} ${configuration}`;
  const status = error instanceof ApiError ? error.status : undefined;
  if (status === 403) {
    return `Weir may not keep its authority in ${object}: it needs get and patch on ${pluralOf(kind)} of that name`;
  }
  return status === 404 ? `${object} does not exist` : `the authority of the webhook cannot be kept in ${object}`;
}

function pluralOf(kind: WebhookKind): string {
  return `${kind.toLowerCase()}s`;
}

/** @returns whether something had to be written */
async function publish(options: WebhookTrustOptions, signal: AbortSignal): Promise<boolean> {
  const { client, kind, configuration, clock } = options;
  const path = `/apis/admissionregistration.k8s.io/v1/${pluralOf(kind)}/${encodeURIComponent(configuration)}`;
  const own = certificatesIn(await options.authorities());
  if (own.length === 0) throw new Error('the file of the authorities holds no certificate');
  const { body } = await client.request({ path }, signal);
  const { metadata, webhooks } = isMapping(body) ? body : {};
  const entries = (Array.isArray(webhooks) ? (webhooks as readonly unknown[]) : []).flatMap((webhook) => {
    if (!isMapping(webhook) || typeof webhook['name'] !== 'string') return [];
    const { caBundle } = isMapping(webhook['clientConfig']) ? webhook['clientConfig'] : {};
    const before = typeof caBundle === 'string' ? caBundle : '';
    return [{ name: webhook['name'], before, after: bundleOf(before, own, clock.now()) }];
  });
  if (entries.every(({ before, after }) => before === after)) return false;
  const resourceVersion = isMapping(metadata) ? metadata['resourceVersion'] : undefined;
  await client.request(
    {
      method: 'PATCH',
      path,
      query: { fieldManager, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind,
        // Of two replicas that add theirs at the same time one gets 409, and looks again.
        metadata: { name: configuration, resourceVersion },
        webhooks: entries.map(({ name, after }) => ({ name, clientConfig: { caBundle: after } })),
      },
    },
    signal,
  );
  return true;
}

/**
 * Base64 of PEM: what is there and has not run out, and what is one's own.
 *
 * @param now milliseconds since 1970
 */
function bundleOf(before: string, own: readonly X509Certificate[], now: number): string {
  const kept = certificatesIn(Buffer.from(before, 'base64').toString('utf8')).filter(
    ({ validToDate }) => validToDate.getTime() > now,
  );
  const missing = own.filter(({ fingerprint256 }) => !kept.some((each) => each.fingerprint256 === fingerprint256));
  const text = [...kept, ...missing].map((certificate) => certificate.toString()).join('');
  return Buffer.from(text).toString('base64');
}

/** What is no certificate counts as absent, as do placeholders. */
function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
