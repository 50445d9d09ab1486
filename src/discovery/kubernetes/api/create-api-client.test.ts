import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../../../../test/support/certificates.ts';
import { ManualTimedClock, realTimedClock } from '../../../../test/support/timed-clocks.ts';
import { ApiError, type ApiClient, type ApiFailure } from './api-client.ts';
import type { ApiCluster } from './cluster.ts';
import { createApiClient } from './create-api-client.ts';
import type { TimedClock } from './timed-clock.ts';

const authority = new Authority('test authority');
const { certificate, key } = authority.issue('apiserver', '127.0.0.1', 'kubernetes');

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

interface TestServer {
  readonly url: string;
  /** TCP connections that are open or were. */
  readonly sockets: Set<Socket>;
  readonly sessions: ServerHttp2Session[];
  readonly requests: Http2ServerRequest[];
}

const stops: (() => unknown)[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-api-'));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) stop();
  await rm(directory, { recursive: true, force: true });
});

async function aServer(handle: Handler, options: { readonly h2?: boolean; readonly ca?: string } = {}) {
  const { h2 = true, ca } = options;
  const tls = { key, cert: certificate, ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: false }) };
  const server = h2 ? createSecureServer(tls) : createHttpsServer(tls);
  return listening(server, 'https', handle);
}

async function listening(server: Http2SecureServer | Server, scheme: string, handle: Handler): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const sessions: ServerHttp2Session[] = [];
  const requests: Http2ServerRequest[] = [];
  const emitter = server as Http2SecureServer;
  emitter.on('session', (session) => sessions.push(session));
  emitter.on('connection', (socket) => sockets.add(socket));
  emitter.on('sessionError', () => undefined);
  emitter.on('request', (request, response) => {
    requests.push(request);
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${scheme}://127.0.0.1:${port}`, sockets, sessions, requests };
}

function aClient(cluster: Partial<ApiCluster> & { readonly server: string }, clock: TimedClock = realTimedClock) {
  const client = createApiClient(
    { authorities: { kind: 'text', text: authority.certificate }, credentials: { kind: 'none' }, ...cluster },
    { clock, userAgent: 'weir/test', variables: process.env },
  );
  stops.push(() => client.close());
  return client;
}

async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

async function failure(work: Promise<unknown>): Promise<ApiFailure> {
  return (await failureOf(work)).failure;
}

async function bodyOf(request: Http2ServerRequest): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const status = (code: number, reason: string, details = {}) =>
  JSON.stringify({ kind: 'Status', code, reason, message: `because of ${reason}`, details });

/** Resets every connection, as a peer that dies does. */
function cut({ sockets }: TestServer): void {
  for (const socket of sockets) socket.resetAndDestroy();
}

function answer(response: Http2ServerResponse, body: string, code = 200, headers = {}): void {
  response.writeHead(code, headers);
  response.end(body);
}

async function readLines(client: ApiClient, signal: AbortSignal, into: string[]): Promise<void> {
  for await (const line of await client.lines({ path: '/watch' }, signal)) into.push(String(line));
}

describe.each([{ h2: true }, { h2: false }])('a client over TLS (HTTP/2: $h2)', ({ h2 }) => {
  it('sends what it is given and reads the answer, which is not to be compressed (kubernetes/K31)', async () => {
    const server = await aServer(
      (request, response) =>
        void bodyOf(request).then((body) => answer(response, JSON.stringify({ body, headers: request.headers }))),
      { h2 },
    );
    const client = aClient({ server: `${server.url}/prefix/`, credentials: { kind: 'token', token: 'secret' } });
    const { status: code, body } = await client.request({
      method: 'PATCH',
      path: '/api/v1/pods',
      query: { fieldManager: 'a&b', force: 'true' },
      body: { größe: 1 },
      contentType: 'application/apply-patch+yaml',
    });
    expect(code).toBe(200);
    expect(body).toMatchObject({
      body: '{"größe":1}',
      headers: {
        authorization: 'Bearer secret',
        'content-type': 'application/apply-patch+yaml',
        'user-agent': 'weir/test',
        accept: 'application/json',
      },
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('accept-encoding');
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PATCH /prefix/api/v1/pods?fieldManager=a%26b&force=true',
    ]);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('sends a body with %s', async (method) => {
    const server = await aServer(
      (request, response) => void bodyOf(request).then((body) => answer(response, JSON.stringify({ body }))),
      { h2 },
    );
    const client = aClient({ server: server.url });
    expect(await client.request({ method, path: '/', body: { one: 1 } })).toMatchObject({
      body: { body: '{"one":1}' },
    });
    expect(await client.request({ method, path: '/' })).toMatchObject({ body: { body: '' } });
  });

  it('keeps its connection, and hangs nothing on it', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on('warning', warn);
    stops.push(() => process.off('warning', warn));
    const server = await aServer((_request, response) => answer(response, '{}'), { h2 });
    const client = aClient({ server: server.url });
    for (let count = 0; count < 20; count++) await client.request({ path: '/' });
    expect(warnings).toEqual([]);
    // Without HTTP/2 the first connection only asks which protocol the server speaks.
    expect(server.sockets.size).toBe(h2 ? 1 : 2);
  });

  it('says why it is refused', async () => {
    const details = { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 2 };
    const server = await aServer((_request, response) => answer(response, status(504, 'Timeout', details), 504), {
      h2,
    });
    const client = aClient({ server: server.url });
    expect(await failureOf(client.request({ path: '/api/v1/pods' }))).toMatchObject({
      failure: 'refused',
      status: 504,
      reason: 'Timeout',
      causes: ['ResourceVersionTooLarge'],
      retryAfterMs: 2000,
      message: 'GET /api/v1/pods: 504: Timeout: because of Timeout',
    });
    expect(await failureOf(client.lines({ path: '/' }, AbortSignal.timeout(20_000)))).toMatchObject({ status: 504 });
  });

  it('reads Retry-After, also of what is no Status object', async () => {
    const server = await aServer(
      (_request, response) => answer(response, '<h1>busy</h1>', 429, { 'retry-after': '7' }),
      { h2 },
    );
    expect(await failureOf(aClient({ server: server.url }).request({ path: '/' }))).toMatchObject({
      failure: 'refused',
      status: 429,
      retryAfterMs: 7000,
      message: 'GET /: 429: <h1>busy</h1>',
    });
  });

  it('gives lines as they come, and tells an end from a break (kubernetes/K42)', async () => {
    let isFirst = true;
    const server = await aServer(
      (_request, response) => {
        response.write('one\ntw');
        if (!isFirst) return void response.end('o\n');
        isFirst = false;
        setImmediate(() => cut(server));
      },
      { h2 },
    );
    const client = aClient({ server: server.url });
    const { signal } = new AbortController();
    const lines: string[] = [];
    expect(await failure(readLines(client, signal, lines))).toBe('broken');
    expect(lines).toEqual(['one']);
    await readLines(client, signal, lines);
    expect(lines).toEqual(['one', 'one', 'two']);
  });

  it('ends a request with its signal, in every phase (kubernetes/K43)', async () => {
    const server = await aServer(
      (request, response) => {
        if (request.url === '/watch') response.write('one\n');
        if (request.url === '/half') response.write('{');
      },
      { h2 },
    );
    const client = aClient({ server: server.url });
    const reason = new Error('enough');
    for (const path of ['/silent', '/half']) {
      const controller = new AbortController();
      const work = client.request({ path }, controller.signal);
      while (!server.requests.some(({ url }) => url === path)) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(reason);
      await expect(work).rejects.toBe(reason);
    }
    const controller = new AbortController();
    const seen: string[] = [];
    const lines = await client.lines({ path: '/watch' }, controller.signal);
    const reading = (async () => {
      for await (const line of lines) {
        seen.push(String(line));
        controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(seen).toEqual(['one']);
    await expect(client.request({ path: '/silent' }, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(server.requests).toHaveLength(3);
  });

  it('waits thirty seconds for an answer to begin, and as long for it to go on (kubernetes/K48)', async () => {
    let arrived = (): void => undefined;
    const server = await aServer(
      (request, response) => {
        if (request.url === '/half') response.write('{');
        setImmediate(arrived);
      },
      { h2 },
    );
    const clock = new ManualTimedClock();
    const client = aClient({ server: server.url }, clock);
    for (const path of ['/silent', '/half', '/watch']) {
      const hasArrived = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const { signal } = new AbortController();
      const work = failureOf(path === '/watch' ? client.lines({ path }, signal) : client.request({ path }));
      await hasArrived;
      clock.advance(29_000);
      if (path === '/half') for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(31_000);
      expect(await work).toMatchObject({ failure: 'timeout' });
    }
  });

  it('reads its token anew after a minute, and at once when it is refused (kubernetes/K52)', async () => {
    const path = join(directory, 'token');
    let valid = 'first';
    const server = await aServer(
      (request, response) => {
        if (request.headers.authorization === `Bearer ${valid}`) answer(response, '{}');
        else answer(response, status(401, 'Unauthorized'), 401);
      },
      { h2 },
    );
    const clock = new ManualTimedClock();
    const client = aClient({ server: server.url, credentials: { kind: 'token-file', path } }, clock);
    expect(await failure(client.request({ path: '/' }))).toBe('credentials');
    await writeFile(path, 'first\n');
    await client.request({ path: '/' });
    expect(server.requests).toHaveLength(1);

    valid = 'second';
    await writeFile(path, 'second');
    await client.request({ path: '/' });
    expect(server.requests).toHaveLength(3);

    await writeFile(path, 'third');
    await client.request({ path: '/' });
    clock.advance(60_000);
    valid = 'third';
    await client.request({ path: '/' });
    expect(server.requests).toHaveLength(5);

    valid = 'nobody';
    expect(await failureOf(client.request({ path: '/' }))).toMatchObject({ status: 401 });
    expect(server.requests).toHaveLength(7);
  });

  it('shows its certificate, and a new one on a new connection when the file has changed (kubernetes/K8, kubernetes/K140)', async () => {
    const server = await aServer(
      (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate();
        answer(response, JSON.stringify(subject.CN));
      },
      { h2, ca: authority.certificate },
    );
    const paths = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
    const write = async (name: string): Promise<void> => {
      const issued = authority.issue(name);
      await writeFile(paths.certificate, issued.certificate);
      await writeFile(paths.key, issued.key);
    };
    await write('one');
    const clock = new ManualTimedClock();
    const client = aClient(
      {
        server: server.url,
        clientCertificate: {
          certificate: { kind: 'file', path: paths.certificate },
          key: { kind: 'file', path: paths.key },
        },
      },
      clock,
    );
    expect((await client.request({ path: '/' })).body).toBe('one');
    await write('two');
    expect((await client.request({ path: '/' })).body).toBe('one');
    clock.advance(60_000);
    expect((await client.request({ path: '/' })).body).toBe('two');
  });

  it('asks on a new connection when the old one has died, but never writes twice', async () => {
    let kill = false;
    const server = await aServer(
      (_request, response) => {
        if (!kill) return answer(response, '{}');
        kill = false;
        cut(server);
      },
      { h2 },
    );
    const client = aClient({ server: server.url });
    await client.request({ path: '/' });
    kill = true;
    await client.request({ path: '/' });
    expect(server.requests).toHaveLength(3);
    kill = true;
    expect(await failure(client.request({ method: 'POST', path: '/', body: {} }))).toBe('broken');
    expect(server.requests).toHaveLength(4);
    await client.request({ path: '/' });
  });

  it('trusts nobody but its authorities', async () => {
    const server = await aServer((_request, response) => answer(response, '{}'), { h2 });
    const stranger = { kind: 'text', text: new Authority('stranger').certificate } as const;
    expect(await failure(aClient({ server: server.url, authorities: stranger }).request({ path: '/' }))).toBe(
      'unreachable',
    );
    expect(await failure(aClient({ server: server.url, tlsServerName: 'other' }).request({ path: '/' }))).toBe(
      'unreachable',
    );
    await aClient({ server: server.url, tlsServerName: 'kubernetes' }).request({ path: '/' });
    await aClient({ server: server.url, authorities: stranger, skipsTlsVerification: true }).request({ path: '/' });
  });

  it('ends everything when it is closed', async () => {
    const server = await aServer((_request, response) => void response.write('one\n'), { h2 });
    const client = aClient({ server: server.url });
    const lines: string[] = [];
    const watching = readLines(client, new AbortController().signal, lines);
    while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    client.close();
    expect(await failure(watching)).toBe('unreachable');
    expect(await failure(client.request({ path: '/' }))).toBe('unreachable');
  });
});

describe('a client over HTTP/2', () => {
  it('opens another connection when the server says goodbye, and lets the old one finish', async () => {
    const finish: (() => void)[] = [];
    const server = await aServer((request, response) => {
      if (request.url !== '/watch') return answer(response, '{}');
      response.write('one\n');
      finish.push(() => response.end('two\n'));
    });
    const client = aClient({ server: server.url });
    const lines: string[] = [];
    const watching = readLines(client, new AbortController().signal, lines);
    while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    server.sessions[0]!.goaway(0);
    while (server.sessions.length === 1) await client.request({ path: '/' });
    finish[0]!();
    await watching;
    expect(lines).toEqual(['one', 'two']);
  });

  it('has room for a megabyte of each answer and for eight of all together (kubernetes/K7)', async () => {
    const server = await aServer((_request, response) => answer(response, '{}'));
    const client = aClient({ server: server.url });
    await client.request({ path: '/' });
    await client.request({ path: '/' });
    const [session] = server.sessions;
    expect(session?.remoteSettings.initialWindowSize).toBe(1 << 20);
    expect(session?.state.remoteWindowSize).toBeGreaterThan((8 << 20) - 100);
  });

  it('shows the certificate that a program gives, and asks for another when it is refused (kubernetes/K8)', async () => {
    const refused = new Set<string>();
    const server = await aServer(
      (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate();
        if (refused.has(String(subject.CN))) answer(response, status(401, 'Unauthorized'), 401);
        else answer(response, JSON.stringify(subject.CN));
      },
      { ca: authority.certificate },
    );
    const path = join(directory, 'credential');
    const give = async (name: string): Promise<void> => {
      const issued = authority.issue(name);
      const given = { clientCertificateData: issued.certificate, clientKeyData: issued.key };
      await writeFile(path, JSON.stringify({ kind: 'ExecCredential', status: given }));
    };
    const plugIn = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'cat',
      args: [path],
      environment: {},
      cluster: undefined,
      installHint: undefined,
    };
    const client = aClient({ server: server.url, credentials: { kind: 'plug-in', plugIn } });
    await give('one');
    expect((await client.request({ path: '/' })).body).toBe('one');
    await give('two');
    expect((await client.request({ path: '/' })).body).toBe('one');
    refused.add('one');
    expect((await client.request({ path: '/' })).body).toBe('two');
    expect(server.sockets.size).toBe(2);
  });

  it('finds by PING that the server is gone (kubernetes/K7)', async () => {
    const clock = new ManualTimedClock();
    const server = await aServer((_request, response) => void response.write('one\n'));
    const client = aClient({ server: server.url }, clock);
    const lines: string[] = [];
    const watching = failure(readLines(client, new AbortController().signal, lines));
    while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(30_000);
    clock.advance(15_000);
    expect(await watching).toBe('broken');
  });
});

describe('a client without TLS', () => {
  it('speaks HTTP/1.1 and keeps its connection', async () => {
    const server = await listening(createServer(), 'http', (_request, response) => answer(response, '[1]'));
    const client = aClient({ server: server.url });
    for (let count = 0; count < 5; count++) expect((await client.request({ path: '/' })).body).toEqual([1]);
    expect(server.sockets.size).toBe(1);
  });

  it('says that an answer is no JSON, and that nobody answers', async () => {
    const server = await listening(createServer(), 'http', (_request, response) => answer(response, '{'));
    expect(await failure(aClient({ server: server.url }).request({ path: '/' }))).toBe('malformed');
    expect(await failure(aClient({ server: 'http://127.0.0.1:1' }).request({ path: '/' }))).toBe('unreachable');
    expect(await failure(aClient({ server: 'https://127.0.0.1:1' }).request({ path: '/' }))).toBe('unreachable');
  });
});

describe('behind an HTTP proxy', () => {
  /** @returns what it was asked, `METHOD TARGET credentials` */
  async function aProxy(answer: 'opens' | 'refuses') {
    const asked: string[] = [];
    const proxy = createServer().listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    proxy.on('connect', (request, socket, head) => {
      asked.push([request.method, request.url, request.headers['proxy-authorization']].join(' '));
      if (answer === 'refuses') {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      const [host, port] = (request.url ?? '').split(':');
      const through = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        through.write(head);
        through.pipe(socket).pipe(through);
      });
      for (const end of [socket, through]) end.on('error', () => undefined);
      stops.push(() => through.destroy());
    });
    stops.push(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    return { asked, url: `http://me:pa%40ss@127.0.0.1:${port}` };
  }

  it('speaks TLS with the server itself, over one connection', async () => {
    const server = await aServer((_, response) => response.end('{}'));
    const { asked, url } = await aProxy('opens');
    const client = aClient({ server: server.url, proxy: url });
    for (let count = 0; count < 3; count++) expect((await client.request({ path: '/api' })).status).toBe(200);
    const credentials = Buffer.from('me:pa@ss').toString('base64');
    expect(asked).toEqual([`CONNECT ${new URL(server.url).host} Basic ${credentials}`]);
  });

  it('does not reach a server that the proxy does not let it reach, and says so', async () => {
    const server = await aServer((_, response) => response.end('{}'));
    const { url } = await aProxy('refuses');
    const error = await failureOf(aClient({ server: server.url, proxy: url }).request({ path: '/api' }));
    expect([error.failure, error.message]).toEqual([
      'unreachable',
      expect.stringMatching(/^no way to 127\.0\.0\.1:\d+ through the proxy 127\.0\.0\.1:\d+: it answers 403$/),
    ]);
    expect(server.requests).toEqual([]);
  });

  it('trusts only the server, whoever the proxy brings it to', async () => {
    const stranger = new Authority('somebody else').certificate;
    const server = await aServer((_, response) => response.end('{}'));
    const { url } = await aProxy('opens');
    const client = aClient({ server: server.url, proxy: url, authorities: { kind: 'text', text: stranger } });
    expect(await failure(client.request({ path: '/api' }))).toBe('unreachable');
  });

  it('needs HTTP/2 of the server', async () => {
    const server = await aServer((_, response) => response.end('{}'), { h2: false });
    const { url } = await aProxy('opens');
    const error = await failureOf(aClient({ server: server.url, proxy: url }).request({ path: '/api' }));
    expect(error.message).toMatch(/speaks no HTTP\/2/);
  });
});
