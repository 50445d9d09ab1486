import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envoy } from '../../deploy/demo/envoy.ts';
import { run } from '../../src/cli/run.ts';
import { Authority } from '../support/certificates.ts';
import { envoyForTests } from '../support/envoy.ts';
import { aProxyPort, JoinedMesh, type Joining } from '../support/joined-mesh.ts';
import { until } from '../support/test-mesh.ts';

/** Stock Envoys with a token in a file and nothing beside them, by the commands of the how-to and no others. */

const binary = await envoyForTests();

const caller = 'URI=spiffe://cluster.local/ns/shop/sa/web';
const stranger: Joining = { workload: 'web-2', account: 'web', token: 'stranger.token' };

const refused = (status: string, reason: string) => `weir_refused_streams_total{status="${status}",reason="${reason}"}`;

describe.skipIf(binary === undefined)('a stock Envoy with a token', () => {
  let mesh: JoinedMesh;
  let port = 0;
  let envoys: readonly Envoy[] = [];

  beforeAll(async () => {
    mesh = await JoinedMesh.start(binary ?? '');
    await mesh.token('api.token', 'api', 'api-1');
    await mesh.token('web.token', 'web', 'web-1');
    port = await aProxyPort();
    envoys = await Promise.all([
      mesh.join({ workload: 'api-1', account: 'api', token: 'api.token' }),
      mesh.join({ workload: 'web-1', account: 'web', token: 'web.token', proxyPort: port }),
    ]);
  }, 30_000);
  afterAll(() => mesh?.stop());

  it('joins over TLS and calls by mutual TLS (istio-compat/I66, policy/P4)', async () => {
    await until('a call', async () => (await mesh.call(port)).includes(caller));
    expect(await mesh.call(port)).toContain('By=spiffe://cluster.local/ns/shop/sa/api;');
    expect(await mesh.callInTheClear()).toBe('status 0');
  });

  /** Starts an Envoy with something wrong, and waits until it was refused twice. */
  async function refuse(series: string, bootstrap: string): Promise<void> {
    const before = await mesh.metric(series);
    const envoy = await mesh.startEnvoy('web-2', bootstrap);
    try {
      await until(`${series} to count`, async () => (await mesh.metric(series)) >= before + 2);
      expect(await envoy.stat('listener_manager.lds.update_success')).toBe(0);
    } finally {
      await envoy.stop();
    }
  }

  const wrongs: readonly (readonly [string, string, RegExp, () => Promise<string>])[] = [
    [
      'a token of another account (istio-compat/I33)',
      refused('PERMISSION_DENIED', 'node'),
      /web-2\.shop~shop\.svc\.cluster\.local: the node is of service account web, the credential of api/,
      async () => {
        await mesh.token(stranger.token, 'api', 'web-2');
        return mesh.bootstrap(stranger);
      },
    ],
    [
      'a token of another machine of its account (reliability/S53)',
      refused('PERMISSION_DENIED', 'node'),
      /the node is of workload web-2, the credential of machine web-1/,
      async () => mesh.bootstrap({ ...stranger, token: 'web.token' }),
    ],
    [
      'an expired token (reliability/S57)',
      refused('UNAUTHENTICATED', 'bad-credential'),
      /join-token: it ended at 20\d\d-/,
      async () => {
        await mesh.write(stranger.token, await expiredToken(mesh));
        return mesh.bootstrap(stranger);
      },
    ],
    [
      'a token that was changed',
      refused('UNAUTHENTICATED', 'bad-credential'),
      /join-token: signature verification failed/,
      async () => {
        await mesh.token(stranger.token, 'web', 'web-2');
        const [head, , signature] = (await mesh.read(stranger.token)).split('.');
        const [, content] = (await mesh.read('api.token')).split('.');
        await mesh.write(stranger.token, [head, content, signature].join('.'));
        return mesh.bootstrap(stranger);
      },
    ],
    [
      'no token (istio-compat/I29)',
      refused('UNAUTHENTICATED', 'no-credential'),
      /no credential was shown/,
      async () => withoutToken(await mesh.bootstrap({ ...stranger, token: 'web.token' })),
    ],
    [
      'the root of another mesh',
      'weir_failed_handshakes_total',
      /a TLS handshake failed/,
      async () => {
        await mesh.token(stranger.token, 'web', 'web-2');
        await mesh.write('other.pem', new Authority('other').certificate);
        return mesh.bootstrap({ ...stranger, roots: 'other.pem' });
      },
    ],
  ];

  it.each(wrongs)(
    'is refused with %s, and no other feels it',
    async (_, series, reason, prepare) => {
      await refuse(series, await prepare());
      expect(await mesh.log()).toMatch(reason);
      expect(await mesh.log()).not.toMatch(/"node":"[^"]*(api-1|web-1)[^}]*"message":"a proxy disconnected"/);
      expect(await mesh.call(port)).toContain(caller);
    },
    20_000,
  );

  it('comes again with the token that its file has when the one before ends, and calls go on (reliability/S53)', async () => {
    const expired = refused('UNAUTHENTICATED', 'expired');
    const place = await aProxyPort();
    await mesh.token(stranger.token, 'web', 'web-2', '6s');
    const envoy = await mesh.join({ ...stranger, proxyPort: place });
    await until('a call', async () => (await mesh.call(place)).includes(caller));
    await until('the end of the token', async () => (await mesh.metric(expired)) === 1);
    expect(await mesh.call(place)).toContain(caller);
    await mesh.token(stranger.token, 'web', 'web-2');
    await until('the stream', async () => (await envoy.stat('control_plane.connected_state')) === 1);
    expect(await mesh.call(place)).toContain(caller);
    await envoy.stop();
  }, 30_000);

  it('has no fault in what it was sent', async () => {
    for (const envoy of envoys) {
      const stats = await envoy.text('/stats?filter=(update_rejected|init_fetch_timeout)$');
      expect(stats.split('\n').filter((line) => /: [1-9]/.test(line))).toEqual([]);
    }
  });
});

/** `weir token`, two days ago. */
async function expiredToken(mesh: JoinedMesh): Promise<string> {
  let token = '';
  const who = '--namespace shop --service-account web --instance web-2';
  await run({
    arguments: `token --ca-dir ${mesh.folder}/ca ${who}`.split(' '),
    environment: {},
    out: { write: (text) => (token += text), isTerminal: false, colours: false },
    err: { write: () => undefined, isTerminal: false, colours: false },
    now: () => Date.now() - 2 * 86_400_000,
    untilStopped: () => new AbortController().signal,
    onCrash: () => undefined,
  });
  return token;
}

/** As if nobody had written down what the Envoy is to show. */
function withoutToken(bootstrap: string): string {
  const read = JSON.parse(bootstrap) as {
    readonly dynamicResources: { readonly adsConfig: { readonly grpcServices: readonly { googleGrpc: object }[] } };
  };
  for (const service of read.dynamicResources.adsConfig.grpcServices) {
    service.googleGrpc = Object.fromEntries(
      Object.entries(service.googleGrpc).filter(
        ([name]) => !['callCredentials', 'credentialsFactoryName'].includes(name),
      ),
    );
  }
  return JSON.stringify(read);
}
