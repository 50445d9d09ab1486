import { ApiError, type ApiClient, type ApiRequest } from '../../../src/discovery/kubernetes/api/api-client.ts';

/** What the contract's tests ask of an API server, in few words, inside a namespace of their own. */

export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly subresource?: string;
    }[];
  };
  readonly [field: string]: unknown;
}

export interface ApiList {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly ApiObject[];
}

export interface WatchEvent {
  readonly type: string;
  readonly object: ApiObject;
}

type Query = Readonly<Record<string, string>>;

export class Session {
  readonly client: ApiClient;
  readonly namespace: string;

  private constructor(client: ApiClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
  }

  /** In a namespace that nobody else uses. */
  static async begin(client: ApiClient): Promise<Session> {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'test-' } };
    const { body: namespace } = await client.request({ method: 'POST', path: '/api/v1/namespaces', body });
    return new Session(client, (namespace as ApiObject).metadata.name);
  }

  /** Path of the kind in this namespace, or of one object of it: `path('configmaps')`, `path('apps/v1/deployments', 'web')`. */
  path(kind: string, name?: string): string {
    const parts = kind.split('/');
    const plural = parts.pop() ?? '';
    const root = parts.length === 0 ? '/api/v1' : `/apis/${parts.join('/')}`;
    return `${root}/namespaces/${this.namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  async list(kind: string, query: Query = {}): Promise<ApiList> {
    return (await this.client.request({ path: this.path(kind), query })).body as ApiList;
  }

  get(kind: string, name: string): Promise<ApiObject> {
    return this.ask({ path: this.path(kind, name) });
  }

  create(kind: string, body: unknown, query: Query = {}): Promise<ApiObject> {
    return this.ask({ method: 'POST', path: this.path(kind), body, query });
  }

  replace(kind: string, object: ApiObject): Promise<ApiObject> {
    return this.ask({ method: 'PUT', path: this.path(kind, object.metadata.name), body: object });
  }

  delete(kind: string, name: string, body?: unknown): Promise<ApiObject> {
    return this.ask({ method: 'DELETE', path: this.path(kind, name), body });
  }

  /** A merge patch; `name` may end in `/status`. */
  merge(kind: string, name: string, body: unknown): Promise<ApiObject> {
    const contentType = 'application/merge-patch+json';
    return this.ask({ method: 'PATCH', path: this.path(kind, name), body, contentType });
  }

  /** A server-side apply; `name` may end in `/status`. */
  apply(kind: string, name: string, body: unknown, query: Query): Promise<ApiObject> {
    const contentType = 'application/apply-patch+yaml';
    return this.ask({ method: 'PATCH', path: this.path(kind, name), body, contentType, query });
  }

  async ask(request: ApiRequest): Promise<ApiObject> {
    return (await this.client.request(request)).body as ApiObject;
  }

  configMap(name: string, value = '1', labels: Readonly<Record<string, string>> = {}): Promise<ApiObject> {
    return this.create('configmaps', { metadata: { name, labels }, data: { value } });
  }

  watch(kind: string, query: Query = {}): Promise<WatchSession> {
    return WatchSession.open(this.client, this.path(kind), query);
  }
}

/** A watch whose events are taken one by one. */
export class WatchSession {
  readonly #lines: AsyncIterator<Buffer>;
  readonly #end: AbortController;

  private constructor(lines: AsyncIterator<Buffer>, end: AbortController) {
    this.#lines = lines;
    this.#end = end;
  }

  static async open(client: ApiClient, path: string, query: Query): Promise<WatchSession> {
    const end = new AbortController();
    const lines = await client.lines({ path, query: { watch: 'true', ...query } }, end.signal);
    return new WatchSession(lines[Symbol.asyncIterator](), end);
  }

  /** The next event; undefined when the server has ended the watch. */
  async next(): Promise<WatchEvent | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : (JSON.parse(value.toString()) as WatchEvent);
  }

  /** The next events, as `TYPE name`. */
  async take(count: number): Promise<readonly string[]> {
    const seen: string[] = [];
    while (seen.length < count) seen.push(summary(await this.next()));
    return seen;
  }

  close(): void {
    this.#end.abort();
  }
}

export function summary(event: WatchEvent | undefined): string {
  return event === undefined ? 'end' : `${event.type} ${event.object.metadata.name}`;
}

/** What the server answers to a request that it refuses. */
export async function refusal(asked: Promise<unknown>): Promise<ApiError> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('the request was not refused');
}

export function namesOf({ items }: ApiList): readonly string[] {
  return items.map(({ metadata }) => metadata.name);
}
