import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseYaml } from 'yaml';
import type { Certificate } from '../certificates.ts';
import { runControllers } from './controllers.ts';
import { DirectWrites } from './direct-writes.ts';
import { discoveryOf } from './discovery.ts';
import { Faults, type Fault } from './faults.ts';
import { listOf } from './list.ts';
import { metadataOnly, wantsMetadataOnly } from './metadata-only.ts';
import { Network } from './network.ts';
import { Objects, type Write } from './objects.ts';
import { faultyOutlet, type Outlet } from './outlet.ts';
import { badRequest, noSuchPath, reasonOf, Refusal } from './refusal.ts';
import { RequestLog, type LoggedRequest } from './request-log.ts';
import { presented, Resources, type ServedResource } from './resources.ts';
import { routeOf, type Route } from './route.ts';
import { selectorOf } from './selectors.ts';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { Store } from './store.ts';
import type { Json } from './stored-object.ts';
import { Tokens } from './tokens.ts';
import { checkWatch, Watch, type WatchEvent } from './watch.ts';

export interface FakeApiServerOptions {
  readonly clock: TimedClock;
  /** Milliseconds between bookmarks: the real server sends one about every minute (K26). */
  readonly bookmarkMs: number;
  /** Of a user that may do everything. */
  readonly token: string;
  readonly certificate: Certificate | undefined;
}

/** A request on its way to an answer. */
interface Exchange {
  readonly url: URL;
  readonly route: Route;
  readonly resource: ServedResource;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** What an API server does, without an API server: it can be told what to do wrong. */
export class FakeApiServer {
  readonly faults = new Faults();
  readonly log = new RequestLog();
  /** Writes past the API. */
  readonly objects: DirectWrites;
  /** The one that is taken now; another than before makes every client with the old one unauthorized. */
  token: string;
  readonly #clock: TimedClock;
  readonly #bookmarkMs: number;
  readonly #network: Network;
  readonly #store = new Store();
  readonly #resources = new Resources();
  readonly #writes: Objects;
  readonly #tokens: Tokens;
  readonly #watches = new Set<Watch>();
  readonly #stopControllers: () => void;

  constructor({ clock, bookmarkMs, token, certificate }: FakeApiServerOptions) {
    this.#clock = clock;
    this.#bookmarkMs = bookmarkMs;
    this.token = token;
    this.#network = new Network(certificate, (request, response) => void this.#handle(request, response));
    this.#writes = new Objects(this.#store, clock);
    this.#tokens = new Tokens(this.#store, clock);
    this.objects = new DirectWrites(this.#store, this.#resources, clock);
    this.#stopControllers = runControllers(this.#store, this.#resources, clock, (plural) => this.endWatches(plural));
    for (const name of ['default', 'kube-system']) this.objects.put('namespaces', aNamespace(name));
  }

  get port(): number {
    return this.#network.port;
  }

  /** How many there are at this moment. */
  get connections(): number {
    return this.#network.connections;
  }

  /** Grows with every byte that comes or goes, and every connection. */
  get traffic(): number {
    return this.#network.traffic;
  }

  /** Of the newest write. */
  get resourceVersion(): string {
    return String(this.#store.revision);
  }

  openWatches(plural: string): number {
    return [...this.#watches].filter(({ resource }) => resource.plural === plural).length;
  }

  async up(): Promise<void> {
    await this.#network.listen();
  }

  /** Breaks every connection and refuses new ones; the objects stay. */
  async down(): Promise<void> {
    await this.#network.close();
  }

  /** What was before is forgotten: a watch that wants to know it, or a list that goes on from it, hears 410. */
  forget(): void {
    this.#store.forget();
  }

  /** Every connection breaks, and afterwards what was before is forgotten (K154). */
  async restart(): Promise<void> {
    await this.down();
    this.forget();
    await this.up();
  }

  /** Lets versions pass that no object of this server has. */
  skipVersions(count: number): void {
    this.#store.skip(count);
  }

  /** Sends a bookmark on every watch that asked for such. */
  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark();
  }

  /** Says something on all watches of a kind that did not happen. */
  say(plural: string, { type, object }: WatchEvent): void {
    for (const watch of this.#watches) if (watch.resource.plural === plural) watch.send(type, object);
  }

  /** Ends all watches of a kind, as if their time was up. */
  endWatches(plural: string): void {
    for (const watch of [...this.#watches]) if (watch.resource.plural === plural) watch.end();
  }

  async stop(): Promise<void> {
    this.#stopControllers();
    for (const watch of this.#watches) watch.stop();
    await this.down();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://server');
    const { method = 'GET' } = request;
    const route = routeOf(method, url.pathname, url.searchParams);
    const query = Object.fromEntries(url.searchParams);
    const at = this.#clock.now();
    const logged: LoggedRequest = { at, method, path: url.pathname, query, route, port: request.socket.remotePort };
    const text = await bodyText(request);
    const fault = this.faults.take(logged);
    this.log.add(logged);
    const outlet = this.#network.outletOf(request, response);
    if (fault?.kind === 'no-headers') return;
    try {
      const { headers } = request;
      this.#authenticate(url.pathname, headers.authorization);
      if (fault?.kind === 'status') throw scripted(fault);
      const exchange = route && this.#exchange(url, route, headers, text);
      if (exchange?.route.verb === 'watch') {
        this.#watch(exchange, response, () => faultyOutlet(head(response, outlet, 200), fault, this.#clock));
        return;
      }
      const answer = exchange ? this.#answer(exchange) : this.#elsewhere(method, url, text);
      const shown = wantsMetadataOnly(headers.accept ?? '') ? metadataOnly(answer.body) : answer.body;
      const body = fault?.kind === 'body' ? fault.text : JSON.stringify(shown);
      finish(faultyOutlet(head(response, outlet, answer.status), fault, this.#clock), body);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error));
      const { retryAfterSeconds } = refusal.details;
      const retryAfter = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      finish(head(response, outlet, refusal.code, retryAfter), refusal.text);
    }
  }

  #authenticate(path: string, authorization = ''): void {
    if (['/version', '/readyz', '/livez', '/healthz'].includes(path)) return;
    const token = authorization.replace(/^Bearer /, '');
    if (token !== this.token && !this.#tokens.admits(token)) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
  }

  #exchange(url: URL, route: Route, headers: IncomingMessage['headers'], text: string): Exchange | undefined {
    const resource = this.#resources.find(route.group, route.version, route.plural);
    if (resource === undefined) return undefined;
    if (route.subresource === 'status' && !resource.statusApart) throw noSuchPath();
    return { url, route, resource, headers, body: parsed(text) };
  }

  /** Everything that is about no object that is kept. */
  #elsewhere(method: string, url: URL, text: string): Answer {
    const { pathname: path } = url;
    if (['/readyz', '/livez', '/healthz'].includes(path)) return { status: 200, body: {} };
    if (method === 'POST' && path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      return { status: 201, body: this.#tokens.review(parsed(text)) };
    }
    const body = method === 'GET' ? discoveryOf(this.#resources, path) : undefined;
    if (body === undefined) throw noSuchPath();
    return { status: 200, body };
  }

  #answer({ url, route, resource, headers, body }: Exchange): Answer {
    const { verb, version, namespace, name, subresource } = route;
    const query = url.searchParams;
    const write: Write = {
      resource,
      version,
      namespace,
      name,
      subresource,
      query,
      userAgent: headers['user-agent'] ?? 'unknown',
      body,
    };
    const show = (object: ReturnType<Objects['read']>): Json => presented(resource, version, object);
    switch (verb) {
      case 'list':
      case 'watch':
        return { status: 200, body: listOf(this.#store, this.#query({ url, route, resource })) };
      case 'get':
        return { status: 200, body: show(this.#writes.read(resource, namespace, name ?? '')) };
      case 'create':
        if (resource.plural === 'serviceaccounts' && subresource === 'token') {
          return { status: 201, body: this.#tokens.request(namespace ?? '', name ?? '', body) };
        }
        if (subresource !== undefined) throw noSuchPath();
        return { status: 201, body: show(this.#writes.create(write)) };
      case 'update':
        return { status: 200, body: show(this.#writes.update(write)) };
      case 'patch': {
        const [contentType = ''] = (headers['content-type'] ?? '').split(';');
        const before = this.#store.revision;
        const object = this.#writes.patch(write, contentType);
        const isNew = Number(object.metadata.resourceVersion) > before && object.metadata.generation === 1;
        return { status: isNew && contentType.includes('apply') ? 201 : 200, body: show(object) };
      }
      case 'delete':
        return { status: 200, body: show(this.#writes.remove(write)) };
      case 'deletecollection': {
        const { selects } = this.#query({ url, route, resource });
        const found = this.#store.list(resource).filter(selects);
        for (const { metadata } of found) this.#writes.remove({ ...write, ...metadata, body: undefined });
        return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } };
      }
    }
  }

  #query({ url, route, resource }: Pick<Exchange, 'url' | 'route' | 'resource'>) {
    const query = url.searchParams;
    return { resource, version: route.version, query, selects: selectorOf(resource, query, route.namespace) };
  }

  #watch(exchange: Exchange, response: ServerResponse, open: () => Outlet): void {
    checkWatch(this.#store, exchange.url.searchParams);
    const query = this.#query(exchange);
    const metadata = wantsMetadataOnly(exchange.headers.accept ?? '');
    const outlet = open();
    const watch = new Watch(
      this.#store,
      query,
      {
        write: ({ type, object }) => {
          const line = { type, object: metadata ? metadataOnly(object) : object };
          outlet.write(Buffer.from(`${JSON.stringify(line)}\n`));
        },
        end: () => outlet.end(),
      },
      { clock: this.#clock, bookmarkMs: this.#bookmarkMs },
    );
    this.#watches.add(watch);
    response.once('close', () => {
      watch.stop();
      this.#watches.delete(watch);
    });
    watch.start();
  }
}

function head(
  response: ServerResponse,
  outlet: Outlet,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Outlet {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.flushHeaders();
  return outlet;
}

function finish(outlet: Outlet, body: string): void {
  outlet.write(Buffer.from(body));
  outlet.end();
}

async function bodyText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** JSON, or the YAML that server-side apply admits. */
function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return parsedYaml(text);
  }
}

function parsedYaml(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw badRequest(`the body is neither JSON nor YAML: ${String(error)}`);
  }
}

function scripted({
  code,
  reason,
  message = 'scripted',
  causes,
  retryAfterSeconds,
}: Fault & { kind: 'status' }): Refusal {
  return new Refusal(code, reason ?? reasonOf(code), message, {
    ...(causes === undefined ? {} : { causes }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function aNamespace(name: string) {
  return {
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}
