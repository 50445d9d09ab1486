import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anAuthority, MemoryStore, web, webUri } from '../../test/support/authorities.ts';
import { aRequest, ecKey } from '../../test/support/certificate-requests.ts';
import type { Caller } from '../identity/caller.ts';
import type { CertificateAuthority } from '../identity/certificate-authority.ts';
import { readInstance } from '../identity/instance.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createCertificate } from './certificate-service.ts';
import type * as envoy from './envoy.ts';
import { decode, encode } from './proto.ts';
import { spareBytes, type StreamTransport } from './transport/transport.ts';

const caller: Caller = { ...web, by: 'kubernetes-token', expiresAt: Infinity };

async function anOpenAuthority(store = new MemoryStore()) {
  const authority = anAuthority({ store });
  await authority.open();
  return authority;
}

/** The same authority, with something about it otherwise. */
function but(authority: CertificateAuthority, otherwise: Partial<CertificateAuthority>): CertificateAuthority {
  return {
    trustDomain: authority.trustDomain,
    trustBundle: authority.trustBundle,
    sign: (...ask) => authority.sign(...ask),
    issue: (subject) => authority.issue(subject),
    issueServer: (names) => authority.issueServer(names),
    follow: (changed) => authority.follow(changed),
    ...otherwise,
  };
}

interface Outcome {
  readonly chain: readonly string[] | undefined;
  readonly status: string;
  readonly detail: string;
}

/** What becomes of a call that sends these messages. */
function call(authority: CertificateAuthority, messages: readonly Uint8Array[]): Promise<Outcome> {
  const metrics = createMetrics({ version: '1', uptime: () => 1, processMetrics: false });
  return new Promise((resolve) => {
    let chain: readonly string[] | undefined;
    let deliver: (message: Uint8Array) => void = () => undefined;
    let end: () => void = () => undefined;
    const transport: StreamTransport = {
      peer: { address: '10.0.0.7:1' },
      queuedBytes: 0,
      send: (parts) => {
        const bytes = Buffer.concat(parts).subarray(spareBytes);
        chain = decode('istio.v1.auth.IstioCertificateResponse', bytes).certChain ?? [];
        return true;
      },
      onMessage: (callback) => void (deliver = callback),
      onDrain: () => undefined,
      onClose: (callback) => void (end = () => callback({ kind: 'half-closed' })),
      close: (status, detail) => resolve({ chain, status, detail }),
    };
    createCertificate({ authority, log: silentLog, metrics }, transport, caller);
    for (const message of messages) {
      deliver(message);
      // The transport uses the memory again.
      message.fill(0);
    }
    end();
  });
}

function message(request: envoy.IstioCertificateRequest): Uint8Array {
  return encode('istio.v1.auth.IstioCertificateRequest', request);
}

describe('istio-compat/I46, istio-compat/I48: a request of an agent', () => {
  it('istio-compat/I50, istio-compat/I54: gets a certificate of who the caller is, and all roots in the last string', async () => {
    const store = new MemoryStore();
    const key = ecKey();
    const root = (await anOpenAuthority(new MemoryStore())).trustBundle;
    const authority = await anOpenAuthority(store);
    const bundle = authority.trustBundle + root;
    const { chain = [], status } = await call(but(authority, { trustBundle: bundle }), [
      message({ csr: aRequest({ key }), validityDuration: 3600 }),
    ]);
    expect(status).toBe('OK');
    expect(chain).toHaveLength(2);
    expect(chain.at(-1)).toBe(bundle);
    for (const text of chain) expect(text.endsWith('\n')).toBe(true);
    const leaf = new X509Certificate(chain[0] ?? '');
    expect(leaf.subjectAltName).toBe(`URI:${webUri}`);
    expect(leaf.checkPrivateKey(key.privateKey)).toBe(true);
    expect(readInstance(leaf.raw)).toBe(web.instance);
    expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBe(3600_000 + 5 * 60_000);
  });

  it('istio-compat/I47: may carry the metadata that an agent always sends', async () => {
    const metadata = { fields: { CertSigner: { stringValue: '' } } };
    expect(await call(await anOpenAuthority(), [message({ csr: aRequest(), metadata })])).toMatchObject({
      status: 'OK',
    });
  });

  it.each([0, -1, undefined])(
    'istio-compat/I51: lives for 24 h when it asks for %s seconds',
    async (validityDuration) => {
      const { chain } = await call(await anOpenAuthority(), [message({ csr: aRequest(), validityDuration })]);
      const leaf = new X509Certificate(chain?.[0] ?? '');
      expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBe(86_400_000 + 5 * 60_000);
    },
  );
});

describe('istio-compat/I49: what an agent hears when there is none', () => {
  it.each([
    ['no request at all', [], 'INVALID_ARGUMENT'],
    ['no message of the kind', [Buffer.from([0xff, 0xff])], 'INVALID_ARGUMENT'],
    ['an endless one', [Buffer.alloc(70_000)], 'INVALID_ARGUMENT'],
    ['two of them', [message({ csr: aRequest() }), message({ csr: aRequest() })], 'INVALID_ARGUMENT'],
    ['one without a request', [message({})], 'INVALID_ARGUMENT'],
    ['one that asks for 91 days', [message({ csr: aRequest(), validityDuration: 91 * 86_400 })], 'INVALID_ARGUMENT'],
    [
      'one to another signer',
      [message({ csr: aRequest(), metadata: { fields: { CertSigner: { stringValue: 'mine' } } } })],
      'INVALID_ARGUMENT',
    ],
  ])('%s', async (_, messages, status) => {
    expect(await call(await anOpenAuthority(), messages)).toMatchObject({ chain: undefined, status });
  });

  it('istio-compat/I52: nothing but that it is nobody, when it wants to be somebody else', async () => {
    const metadata = { fields: { ImpersonatedIdentity: { stringValue: webUri } } };
    expect(await call(await anOpenAuthority(), [message({ csr: aRequest(), metadata })])).toEqual({
      chain: undefined,
      status: 'UNAUTHENTICATED',
      detail: 'there is no valid credential',
    });
  });

  it('reliability/S1: that something went wrong, when there is a bug, and the process lives', async () => {
    const broken = but(await anOpenAuthority(), { sign: () => Promise.reject(new Error('a secret of the inside')) });
    expect(await call(broken, [message({ csr: aRequest() })])).toEqual({
      chain: undefined,
      status: 'INTERNAL',
      detail: 'the request could not be answered',
    });
  });

  it('that it may try again while the authority is not ready, and when there are too many', async () => {
    expect(await call(anAuthority(), [message({ csr: aRequest() })])).toMatchObject({ status: 'UNAVAILABLE' });
    const authority = await anOpenAuthority();
    const busy = but(authority, { sign: () => Promise.resolve({ kind: 'busy', reason: 'is late' }) });
    const outcome = await call(busy, [message({ csr: aRequest() })]);
    expect(outcome).toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
  });
});
