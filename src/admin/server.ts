import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Doorkeeper, type AdminDoor } from './door.ts';
import { releaseAsked, type GuardReport, type GuardViews } from './guard.ts';
import type { Readiness, StatusReport } from './status-report.ts';

/** What the admin server shows: functions of the one state, called for each request. */
export interface AdminViews {
  readonly readiness: () => Readiness;
  /** @param namespace undefined: of all */
  readonly status: (namespace: string | undefined) => StatusReport;
  readonly version: () => VersionReport;
  readonly guard: GuardViews;
  readonly metrics: { readonly contentType: string; readonly expose: () => Promise<string> };
}

export interface VersionReport {
  readonly version: string;
  /** Of Node.js. */
  readonly node: string;
}

export interface AdminServer {
  /** The port in use, also where a free one was asked for. */
  readonly port: number;
  /** Settles when every connection is closed. */
  close(): Promise<void>;
}

/** The address could not be listened on. */
export class AdminListenError extends Error {
  override readonly name = 'AdminListenError';
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Methods that there are, where this one is none. */
  readonly allow?: string;
}

interface Page {
  readonly about: string;
  readonly answer: (views: AdminViews, namespace: string | undefined) => Answer | Promise<Answer>;
}

const pages: Readonly<Record<string, Page>> = {
  '/ready': {
    about: '200 once every source has been read, 503 with the reasons before',
    answer: ({ readiness }) => {
      const { ready, reasons } = readiness();
      return ready ? text(200, 'ready') : text(503, `not ready: ${reasons.join('; ')}`);
    },
  },
  '/healthz': { about: '200 while the process answers', answer: () => text(200, 'ok') },
  '/status': {
    about: 'sources, problems, findings and the state of every proxy, as JSON',
    answer: ({ status }, namespace) => json(status(namespace)),
  },
  '/metrics': {
    about: 'metrics for Prometheus; docs/metrics.md explains each',
    answer: async ({ metrics }) => ({ status: 200, contentType: metrics.contentType, body: await metrics.expose() }),
  },
  '/guard': { about: 'endpoints that the removal budget holds, as JSON', answer: ({ guard }) => json(guard.report()) },
  '/version': { about: 'versions of Weir and Node.js, as JSON', answer: ({ version }) => json(version()) },
};

interface Action {
  readonly about: string;
  readonly carryOut: (request: IncomingMessage, views: AdminViews) => Promise<Answer>;
}

/** What changes something, by POST, and asks who may. */
const actions: Readonly<Record<string, Action>> = {
  '/guard/release': {
    about: 'POST: lets go of endpoints that the removal budget holds; takes the token of --admin-token-file',
    carryOut: async (request, { guard }) => {
      const outcome = await releaseAsked(request, guard);
      return outcome.kind === 'refused' ? text(outcome.status, outcome.reason) : json({ endpoints: outcome.endpoints });
    },
  },
};

/** Their paths. */
export const adminPages: readonly string[] = Object.keys(pages);

/**
 * Serves the views over HTTP. Pages are read, by GET and HEAD; what changes something is an action, by POST.
 *
 * @param onError hears of a view that failed; the client is told no more than that
 * @throws AdminListenError when the address is taken or is no address
 */
export async function listenAdmin(
  address: { readonly host: string; readonly port: number },
  views: AdminViews,
  door: AdminDoor,
  onError: (error: unknown) => void,
): Promise<AdminServer> {
  const doorkeeper = new Doorkeeper(door);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 60_000 });
  server.on('request', (request, response) => {
    answerTo(request, views, doorkeeper)
      .catch((error: unknown) => {
        onError(error);
        return text(500, 'this view failed; the log of Weir says why');
      })
      .then((answer) => send(request, response, answer))
      .catch(onError);
  });
  const { port } = await listen(server, address);
  return { port, close: () => close(server) };
}

async function answerTo(request: IncomingMessage, views: AdminViews, doorkeeper: Doorkeeper): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const action = Object.hasOwn(actions, path) ? actions[path] : undefined;
  if (action !== undefined) {
    return request.method === 'POST'
      ? action.carryOut(request, views)
      : text(405, `${path} is asked for by POST`, 'POST');
  }
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) {
    return path === '/' ? text(200, index()) : text(404, `there is no ${path} here\n\n${index()}`);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return text(405, `${path} can only be read, by GET`, 'GET, HEAD');
  const entry = await doorkeeper.ask(request, path);
  return entry.kind === 'refused' ? text(entry.status, entry.line) : page.answer(views, entry.namespace);
}

function index(): string {
  const all = { ...pages, ...actions };
  const width = Math.max(...Object.keys(all).map((path) => path.length));
  return Object.entries(all)
    .map(([path, { about }]) => `${path.padEnd(width)}  ${about}`)
    .join('\n');
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body, allow }: Answer): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(allow === undefined ? {} : { allow }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function text(status: number, line: string, allow?: string): Answer {
  const shown = allow === undefined ? {} : { allow };
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n`, ...shown };
}

function json(value: StatusReport | VersionReport | GuardReport | { readonly endpoints: number }): Answer {
  return { status: 200, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value, null, 2)}\n` };
}

function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void => {
      reject(new AdminListenError(`cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.removeListener('error', failed);
      resolve(server.address() as AddressInfo);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
