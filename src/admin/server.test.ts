import { afterEach, describe, expect, it } from 'vitest';
import { AdminListenError, listenAdmin, type AdminServer, type AdminViews } from './server.ts';
import { statusReport, type Readiness } from './status-report.ts';

const servers: AdminServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function anAdminServer(views: Partial<AdminViews> = {}) {
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
    () => undefined,
  );
  await expect(second).rejects.toThrow(AdminListenError);
  await expect(second).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
});
