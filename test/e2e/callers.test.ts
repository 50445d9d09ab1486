import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/incremental/engine.ts';
import { keySets } from '../../src/model/tables.ts';
import { meshOfCase } from '../support/authorization-mesh.ts';
import { aStaticCluster, GuardedEnvoy, listening } from '../support/authorization-proxy.ts';
import { envoyForTests } from '../support/envoy.ts';
import {
  aMeshConfig,
  anAuthorizationPolicy,
  aRequestAuthentication,
  aService,
  type ARow,
} from '../support/mesh-rows.ts';
import { TokenIssuer, unsignedToken } from '../support/tokens.ts';

/** Tokens, providers and paths at the door of a workload, on a real Envoy. */

const envoy = await envoyForTests();
const issuer = new TokenIssuer('https://issuer.example');
const other = new TokenIssuer('https://other.example');

const workload = (policies: readonly object[], ...more: readonly ARow[]): { engine: Engine; protocol: 'http' } => ({
  engine: meshOfCase({ name: '', policies, calls: [] }, ...more),
  protocol: 'http',
});

const tokensWith = (...rules: readonly object[]): ARow => aRequestAuthentication('tokens', { jwtRules: rules });
const fetched = { issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/keys' };
const inline = { issuer: 'https://issuer.example', jwks: issuer.keys };
const askedFor = { action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }] };

function withKeys(mesh: ReturnType<typeof workload>): ReturnType<typeof workload> {
  mesh.engine.batch({ source: 'test', at: 0 }, (write) =>
    write.put(keySets, { key: 'uri https://issuer.example/keys', keys: issuer.keys }),
  );
  return mesh;
}

const provider = (name: string, more: object = {}): object => ({
  name,
  envoyExtAuthzHttp: {
    service: `${name}.shop.svc.cluster.local`,
    port: 9000,
    timeout: '2s',
    includeRequestHeadersInCheck: ['x-who'],
    headersToUpstreamOnAllow: ['x-found'],
    ...more,
  },
});
const consulting = (name: string): object => ({
  action: 'CUSTOM',
  provider: { name },
  rules: [{ to: [{ operation: { paths: ['/asked*'] } }] }],
});

const providers = aMeshConfig({
  extensionProviders: [provider('judge'), provider('gone'), provider('open', { failOpen: true })],
});
const services = ['judge', 'gone', 'open'].map((name) => aService(name, { ports: ['http:9000'] }));

const normalized = (normalization: string): ARow => aMeshConfig({ pathNormalization: { normalization } });
const noAdmin = { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin', '/admin/*'] } }] }] };

/** Policies that are only tried. */
function trials(): readonly ARow[] {
  const annotations = { 'istio.io/dry-run': 'true' };
  const denied = { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/denied'] } }] }] };
  return [
    anAuthorizationPolicy('tried-denial', denied, { annotations }),
    anAuthorizationPolicy('tried-permission', {}, { annotations }),
  ];
}

describe.skipIf(envoy === undefined)('a real Envoy', () => {
  let guarded: GuardedEnvoy;
  let judge: Server;

  beforeAll(async () => {
    judge = createServer((request, response) => {
      const isKnown = request.headers['x-who'] === 'ann';
      response.writeHead(isKnown ? 200 : 403, { 'x-found': 'yes' }).end('judged');
    });
    const judgePort = await listening(judge);
    const closed = createServer();
    const closedPort = await listening(closed);
    closed.close();
    guarded = await GuardedEnvoy.start(
      envoy ?? '',
      new Map([
        ['tokens', workload([], tokensWith({ ...inline, audiences: ['web', 'shop'] }))],
        ['needed', workload([askedFor], tokensWith(inline))],
        ['two issuers', workload([], tokensWith(inline, { issuer: 'https://other.example', jwks: other.keys }))],
        ['unknown keys', workload([], tokensWith(fetched))],
        ['fetched keys', withKeys(workload([], tokensWith(fetched)))],
        [
          'places',
          workload(
            [],
            tokensWith({
              ...inline,
              fromHeaders: [{ name: 'x-token', prefix: 'T ' }],
              fromParams: ['t'],
              fromCookies: ['c'],
              outputPayloadToHeader: 'x-payload',
              outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }],
            }),
          ),
        ],
        ['unreadable', workload([], aRequestAuthentication('tokens', { jwtRules: [{ jwks: 'x' }] }))],
        ['judge', workload([consulting('judge')], providers, ...services)],
        ['judge and tokens', workload([consulting('judge'), askedFor], providers, ...services, tokensWith(inline))],
        ['gone', workload([consulting('gone')], providers, ...services)],
        ['open', workload([consulting('open')], providers, ...services)],
        ['paths', workload([noAdmin])],
        ['paths merged', workload([noAdmin], normalized('MERGE_SLASHES'))],
        ['paths decoded', workload([noAdmin], normalized('DECODE_AND_MERGE_SLASHES'))],
        ['paths as they are', workload([noAdmin], normalized('NONE'))],
        ['trial', workload([], ...trials())],
      ]),
      [
        aStaticCluster('outbound|9000||judge.shop.svc.cluster.local', judgePort),
        aStaticCluster('outbound|9000||gone.shop.svc.cluster.local', closedPort),
        aStaticCluster('outbound|9000||open.shop.svc.cluster.local', closedPort),
      ],
    );
  });
  afterAll(async () => {
    await guarded?.stop();
    judge?.close();
  });

  const statusOf = async (name: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    (await guarded.request(name, { path, headers })).status;
  const withToken = (token: string) => ({ authorization: `Bearer ${token}` });
  const sound = () => issuer.token({ sub: 'ann', aud: 'web' });

  describe('tokens', () => {
    it.each([
      ['a sound one', () => sound(), 200],
      ['one of several audiences', () => issuer.token({ sub: 'ann', aud: ['x', 'shop'] }), 200],
      ['for another audience', () => issuer.token({ sub: 'ann', aud: 'other' }), 403],
      ['for no audience', () => issuer.token({ sub: 'ann' }), 403],
      ['that has expired', () => issuer.token({ sub: 'ann', aud: 'web', exp: 1_000_000_000 }), 401],
      ['that is not valid yet', () => issuer.token({ sub: 'ann', aud: 'web', nbf: 2_400_000_000 }), 401],
      ['of another issuer', () => other.token({ sub: 'ann', aud: 'web' }), 401],
      ['of another issuer in its name', () => other.token({ iss: 'https://issuer.example', aud: 'web' }), 401],
      ['that nobody signed', () => unsignedToken({ iss: 'https://issuer.example', sub: 'ann', aud: 'web' }), 401],
      ['whose signature was changed', () => `${sound().slice(0, -6)}AAAAAA`, 401],
      ['that is no token', () => 'x', 401],
    ])('%s (policy/J1, policy/J5)', async (_, token, status) => {
      expect(await statusOf('tokens', '/', withToken(token()))).toBe(status);
    });

    it('may be missing, unless a policy asks for one (policy/J5)', async () => {
      expect(await statusOf('tokens', '/')).toBe(200);
      expect(await statusOf('needed', '/')).toBe(403);
      expect(await statusOf('needed', '/', withToken(sound()))).toBe(200);
    });

    it('of each issuer are checked by its own keys (policy/J1, policy/J5)', async () => {
      expect(await statusOf('two issuers', '/', withToken(sound()))).toBe(200);
      expect(await statusOf('two issuers', '/', withToken(other.token({ sub: 'x' })))).toBe(200);
      expect(await statusOf('two issuers', '/')).toBe(200);
      const forged = other.token({ iss: 'https://issuer.example', sub: 'ann' });
      expect(await statusOf('two issuers', '/', withToken(forged))).toBe(401);
    });

    it('are all refused while no keys are known, and the missing one is not (reliability/S8)', async () => {
      expect(await statusOf('unknown keys', '/', withToken(sound()))).toBe(401);
      expect(await statusOf('unknown keys', '/', withToken(other.token({ iss: 'https://issuer.example' })))).toBe(401);
      expect(await statusOf('unknown keys', '/')).toBe(200);
      expect(await statusOf('fetched keys', '/', withToken(sound()))).toBe(200);
    });

    it('are found where the rule says, and are told to the application (policy/J3, policy/J4)', async () => {
      const token = sound();
      expect(await statusOf('places', `/?t=${token.slice(0, -6)}AAAAAA`)).toBe(401);
      expect(await statusOf('places', '/', { cookie: `c=${token.slice(0, -6)}AAAAAA` })).toBe(401);
      const { status, body } = await guarded.request('places', {
        path: '/',
        headers: { 'x-token': `T ${token}`, 'x-payload': 'forged', 'x-sub': 'forged' },
      });
      const { headers } = JSON.parse(body) as { readonly headers: Readonly<Record<string, string>> };
      expect([status, headers['x-sub'], headers['x-token']]).toEqual([200, 'ann', undefined]);
      expect(JSON.parse(Buffer.from(headers['x-payload'] ?? '', 'base64url').toString())).toMatchObject({ sub: 'ann' });
    });

    it('of which nobody knows what they mean are nobody’s: an object that is wrong denies', async () => {
      expect(await statusOf('unreadable', '/')).toBe(403);
    });
  });

  describe('a provider', () => {
    it('decides about the calls that match, and about no others (policy/Z18, policy/P142)', async () => {
      expect(await statusOf('judge', '/other')).toBe(200);
      expect(await statusOf('judge', '/asked')).toBe(403);
      const { status, body } = await guarded.request('judge', { path: '/asked', headers: { 'x-who': 'ann' } });
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ headers: { 'x-found': 'yes' } });
      expect(await statusOf('judge', '//asked')).toBe(403);
    });

    it('only refuses: what it lets in the other policies still judge (policy/P140)', async () => {
      const who = { 'x-who': 'ann' };
      expect(await statusOf('judge and tokens', '/asked', who)).toBe(403);
      expect(await statusOf('judge and tokens', '/asked', { ...who, ...withToken(sound()) })).toBe(200);
      expect(await statusOf('judge and tokens', '/asked', withToken(sound()))).toBe(403);
    });

    it('that does not answer refuses, unless it was meant to fail open (policy/Z18)', async () => {
      expect(await statusOf('gone', '/asked')).toBe(403);
      expect(await statusOf('gone', '/other')).toBe(200);
      expect(await statusOf('open', '/asked')).toBe(200);
    });
  });

  describe('a path that is kept out', () => {
    const forms = [
      '/admin',
      '/admin/',
      '//admin',
      '///admin',
      '/./admin',
      '/a/../admin',
      '/a/..//admin',
      '/%61dmin',
      '/admin?x=1',
      '/admin;x=1',
      '/admin;/x',
      '/admin/x',
      '/admin//x',
      '/admin%2Fx',
      '/admin%2fx',
      '/admin%5Cx',
      '/admin\\x',
      '/admin;x=1/y',
      '//admin%2f/x',
    ];
    it.each(['paths', 'paths merged', 'paths decoded'])(
      'stays out in every form: %s (reliability/S12, policy/Z22)',
      async (name) => {
        const statuses = await Promise.all(forms.map(async (path) => [path, await statusOf(name, path)]));
        expect(statuses.filter(([, status]) => status === 200)).toEqual([]);
      },
    );

    it('is not found by a fragment (reliability/S12)', async () => {
      expect(await statusOf('paths', '/admin#x')).not.toBe(200);
      expect(await statusOf('paths', '/public#/admin')).not.toBe(200);
    });

    it('lets others in, also where paths stay as they are', async () => {
      for (const name of ['paths', 'paths merged', 'paths decoded', 'paths as they are']) {
        expect(await statusOf(name, '/administrator')).toBe(200);
        expect(await statusOf(name, '/public/admin')).toBe(200);
      }
      expect(await statusOf('paths as they are', '//admin;x')).toBe(403);
    });
  });

  it('counts what policies under trial would do, and does not do it (policy/Z19)', async () => {
    expect(await statusOf('trial', '/denied')).toBe(200);
    const stats = await guarded.stats('istio_dry_run');
    expect(stats).toMatch(/istio_dry_run_deny_.*shadow_denied: 1/);
    expect(stats).toMatch(/istio_dry_run_allow_.*shadow_denied: 1/);
  });
});
