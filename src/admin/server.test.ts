import { afterEach, describe, expect, it } from 'vitest';
import { aCaller } from '../../test/support/hand-fed-secrets.ts';
import type { Asker } from '../xds/authorization.ts';
import type { AdminDoor, AdminRequest } from './door.ts';
import { AdminListenError, listenAdmin, type AdminServer, type AdminViews } from './server.ts';
import { statusReport, type Readiness } from './status-report.ts';

const servers: AdminServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

const operator: AdminDoor = {
  isOperator: () => Promise.resolve(false),
  askerOf: () => Promise.resolve({ kind: 'operator' }),
  asked: () => undefined,
  now: () => performance.now(),
};

async function anAdminServer(views: Partial<AdminViews> = {}, door: Partial<AdminDoor> = {}) {
  const errors: unknown[] = [];
  const readiness: Readiness = { ready: true, reasons: [] };
  const server = await listenAdmin(
    { host: '127.0.0.1', port: 0 },
    {
      readiness: () => readiness,
      status: () =>
        statusReport({
          version: '1.2.3',
          startedAt: 0,
          readiness,
          sources: [],
          problems: [],
          findings: [],
          statusesOf: () => [],
          placeOf: () => undefined,
          authority: undefined,
          proxies: [],
        }),
      version: () => ({ version: '1.2.3', node: 'v24.0.0' }),
      guard: { report: () => ({ holds: [] }), mayChange: () => Promise.resolve(false), release: () => 0 },
      metrics: { contentType: 'text/plain; version=0.0.4', expose: () => Promise.resolve('weir_x 1\n') },
      ...views,
    },
    { ...operator, ...door },
    (error) => errors.push(error),
  );
  servers.push(server);
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { get, errors, port: server.port };
}

describe('/ready', () => {
  it('is 200 when ready', async () => {
    const { get } = await anAdminServer();
    const response = await get('/ready');
    expect([response.status, await response.text()]).toEqual([200, 'ready\n']);
  });

  it('is 503 with every reason until then', async () => {
    const reasons = ['source files has not been read yet', 'source nacos has not been read yet'];
    const { get } = await anAdminServer({ readiness: () => ({ ready: false, reasons }) });
    const response = await get('/ready');
    expect([response.status, await response.text()]).toEqual([503, `not ready: ${reasons.join('; ')}\n`]);
  });
});

it.each([
  ['/healthz', 'text/plain; charset=utf-8', /^ok\n$/],
  ['/metrics', 'text/plain; version=0.0.4', /^weir_x 1\n$/],
  ['/version', 'application/json; charset=utf-8', /"version": "1\.2\.3"/],
  ['/status', 'application/json; charset=utf-8', /"readiness": \{/],
  ['/status?pretty', 'application/json; charset=utf-8', /"readiness": \{/],
  ['/', 'text/plain; charset=utf-8', /\/ready .*\n\/healthz /],
])('answers %s', async (path, contentType, body) => {
  const { get } = await anAdminServer();
  const response = await get(path);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(contentType);
  expect(await response.text()).toMatch(body);
});

it.each(['/nothing', '/__proto__', '/status/'])('answers %s with what there is instead', async (path) => {
  const { get } = await anAdminServer();
  const response = await get(path);
  expect(response.status).toBe(404);
  expect(await response.text()).toMatch(new RegExp(`^there is no ${path} here\\n\\n/ready `));
});

it('can only be read', async () => {
  const { get } = await anAdminServer();
  const posted = await get('/status', { method: 'POST' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  const head = await get('/status', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

it('keeps what failed to itself, and goes on', async () => {
  const { get, errors } = await anAdminServer({
    status: () => {
      throw new Error('secret detail');
    },
  });
  const response = await get('/status');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret');
  expect(errors).toEqual([new Error('secret detail')]);
  expect((await get('/ready')).status).toBe(200);
});

it('says which address is taken', async () => {
  const { port } = await anAdminServer();
  const second = listenAdmin(
    { host: '127.0.0.1', port },
    { readiness: () => ({ ready: true, reasons: [] }) } as unknown as AdminViews,
    operator,
    () => undefined,
  );
  await expect(second).rejects.toThrow(AdminListenError);
  await expect(second).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
});

describe('pages that are not for everybody', () => {
  const guarded = ['/status', '/version'];

  it.each(guarded)(
    '%s is for nobody without a credential, whatever the address is (reliability/S17, reliability/S33, reliability/S80)',
    async (path) => {
      const asked: AdminRequest[] = [];
      const { get } = await anAdminServer(
        { status: () => expect.unreachable(), version: () => expect.unreachable() },
        { askerOf: () => Promise.resolve({ kind: 'nobody' }), asked: (request) => asked.push(request) },
      );
      const response = await get(path, {
        headers: { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/shop/sa/web' },
      });
      expect(response.status).toBe(401);
      expect(await response.text()).not.toMatch(/1\.2\.3/);
      expect(asked).toMatchObject([{ path, asker: 'nobody', result: 'denied' }]);
    },
  );

  it('show a workload what is of its namespace, and say who looked (reliability/S80)', async () => {
    const asked: AdminRequest[] = [];
    const namespaces: (string | undefined)[] = [];
    const asker: Asker = { kind: 'workload', caller: aCaller('web') };
    const { get } = await anAdminServer(
      {
        status: (namespace) => {
          namespaces.push(namespace);
          throw new Error('no matter');
        },
      },
      { askerOf: () => Promise.resolve(asker), asked: (request) => asked.push(request) },
    );
    await get('/status');
    expect(namespaces).toEqual(['shop']);
    expect(asked).toMatchObject([{ identity: 'spiffe://cluster.local/ns/shop/sa/web', result: 'shown' }]);
  });

  it('hand on the token of the request, and only that (reliability/S33)', async () => {
    const tokens: (string | undefined)[] = [];
    const door = {
      askerOf: (token: string | undefined) => {
        tokens.push(token);
        return Promise.resolve<Asker>({ kind: 'nobody' });
      },
    };
    const { get } = await anAdminServer({}, door);
    await get('/status', { headers: { authorization: 'Bearer a.b.c' } });
    await get('/status', { headers: { authorization: 'Basic a' } });
    expect(tokens).toEqual(['a.b.c', undefined]);
  });

  it('are shown ten times at once and no more (reliability/S80)', async () => {
    const { get } = await anAdminServer({}, { now: () => 0 });
    const statuses: number[] = [];
    for (let round = 0; round < 12; round++) statuses.push((await get('/version')).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429, 429]);
    expect((await get('/ready')).status).toBe(200);
  });

  it('are shown to whoever runs Weir whatever others ask meanwhile', async () => {
    const { get } = await anAdminServer({}, { now: () => 0, isOperator: (token) => Promise.resolve(token === 'mine') });
    for (let round = 0; round < 12; round++) await get('/version');
    expect((await get('/version')).status).toBe(429);
    const headers = { authorization: 'Bearer mine' };
    for (let round = 0; round < 12; round++) expect((await get('/version', { headers })).status).toBe(200);
  });
});
