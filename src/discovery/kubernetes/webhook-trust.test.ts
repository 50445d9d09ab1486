import { afterEach, expect, it } from 'vitest';
import { Authority } from '../../../test/support/certificates.ts';
import { ObjectStoreClient, refused } from '../../../test/support/object-store-client.ts';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import { silentLog } from '../../observe/log.ts';
import { keepWebhookTrust } from './webhook-trust.ts';

const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/weir';
const [old, next] = [new Authority('old'), new Authority('next')];
const running: AbortController[] = [];
afterEach(() => {
  for (const each of running.splice(0)) each.abort();
});

interface Webhook {
  readonly clientConfig: { readonly caBundle?: string };
}

function aCluster(caBundle?: string) {
  const time = new VirtualTime();
  const client = new ObjectStoreClient();
  const warnings: string[] = [];
  const clientConfig = {
    service: { name: 'weir', namespace: 'weir-system' },
    ...(caBundle === undefined ? {} : { caBundle }),
  };
  const webhooks = [{ name: 'validation.weir.dev', clientConfig, failurePolicy: 'Ignore' }];
  client.put(path, { metadata: { name: 'weir' }, webhooks });
  /** A replica, whose file holds what the test says. */
  const replica = (authority: Authority) => {
    const file = { text: authority.certificate };
    const stop = new AbortController();
    running.push(stop);
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    const authorities = () => Promise.resolve(file.text);
    const kind = 'ValidatingWebhookConfiguration' as const;
    const options = { client, kind, configuration: 'weir', authorities, clock: time, random: () => 0.5, log };
    void keepWebhookTrust({ ...options, wrote: () => undefined }, stop.signal);
    return { file, stop };
  };
  const trusted = (): readonly string[] => {
    const [webhook] = (client.objects.get(path)?.['webhooks'] ?? []) as readonly Webhook[];
    const text = Buffer.from(webhook?.clientConfig.caBundle ?? '', 'base64').toString();
    return [old, next]
      .filter(({ certificate }) => text.includes(certificate))
      .map((each) => (each === old ? 'old' : 'next'));
  };
  return { time, client, replica, trusted, warnings };
}

it('every replica publishes the authority, and what is there already is not written again (kubernetes/K89)', async () => {
  const { time, client, replica, trusted } = aCluster();
  replica(old);
  replica(old);
  await time.advance(600_000);
  expect(trusted()).toEqual(['old']);
  expect(client.writes().length).toBeLessThanOrEqual(2);
  expect(client.objects.get(path)?.['webhooks']).toMatchObject([
    { failurePolicy: 'Ignore', clientConfig: { service: { name: 'weir' } } },
  ]);
});

it('on a rotation both are trusted, whoever has the new one first (kubernetes/K89)', async () => {
  const { time, client, replica, trusted } = aCluster();
  const [one, two] = [replica(old), replica(old)];
  await time.advance(60_000);
  one.file.text = next.certificate;
  await time.advance(60_000);
  expect(trusted()).toEqual(['old', 'next']);
  two.file.text = next.certificate;
  const writes = client.writes().length;
  await time.advance(600_000);
  expect(client.writes()).toHaveLength(writes);
  expect(trusted()).toEqual(['old', 'next']);
});

it('what somebody else put in its place is completed again (reliability/R32)', async () => {
  const { time, client, replica, trusted } = aCluster();
  replica(old);
  await time.advance(1_000);
  const webhooks = [{ name: 'validation.weir.dev', clientConfig: { caBundle: 'Cg==' } }];
  client.put(path, { metadata: { name: 'weir' }, webhooks });
  expect(trusted()).toEqual([]);
  await time.advance(40_000);
  expect(trusted()).toEqual(['old']);
});

it('an authority that has run out is taken away', async () => {
  const { time, replica, trusted } = aCluster(Buffer.from(old.certificate).toString('base64'));
  time.stall(Date.parse('2049-06-01T00:00:00Z') - time.now());
  replica(next);
  await time.advance(1_000);
  expect(trusted()).toEqual(['next']);
});

it('says once what is missing, and goes on when it is there', async () => {
  const { time, client, replica, trusted, warnings } = aCluster();
  client.fault = ({ method }) => (method === 'PATCH' ? refused(403, 'Forbidden') : undefined);
  replica(old);
  await time.advance(120_000);
  expect(warnings).toEqual([
    'Weir may not keep its authority in the ValidatingWebhookConfiguration weir: it needs get and patch on validatingwebhookconfigurations of that name',
  ]);
  client.fault = () => undefined;
  await time.advance(10_000);
  expect(trusted()).toEqual(['old']);
});
