import {
  ApiError,
  type ApiClient,
  type ApiRequest,
  type ApiResponse,
} from '../../src/discovery/kubernetes/api/api-client.ts';

type Json = Readonly<Record<string, unknown>>;

interface StoredObject extends Json {
  readonly metadata: Json;
}

/** What a test makes of a request before the store sees it: an error to throw, a promise to wait for, or nothing. */
export type Fault = (request: ApiRequest) => Promise<void> | Error | undefined;

/**
 * An API server for those who write single objects: GET, POST, PUT, LIST and server-side apply on `/status` over objects by path, with
 * resource versions and 409, without a network.
 */
export class ObjectStoreClient implements ApiClient {
  readonly server = 'https://store.test';
  /** All requests that arrived, `METHOD path`. */
  readonly requests: ApiRequest[] = [];
  readonly objects = new Map<string, StoredObject>();
  fault: Fault = () => undefined;
  #version = 0;

  async request(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    this.requests.push(request);
    await this.#suffer(request, signal);
    signal?.throwIfAborted();
    switch (request.method ?? 'GET') {
      case 'GET':
        return ok(this.objects.get(request.path) ?? this.#list(request) ?? notFound(request.path));
      case 'POST':
        return this.#create(request);
      case 'PUT':
        return this.#replace(request);
      case 'PATCH':
        return this.#apply(request);
      case 'DELETE':
        throw new Error('nobody deletes');
    }
  }

  lines(): Promise<AsyncIterable<Buffer>> {
    throw new Error('nobody watches');
  }

  close(): void {
    this.objects.clear();
  }

  put(path: string, object: Json): void {
    const metadata = { ...(object['metadata'] as Json), resourceVersion: String(++this.#version) };
    this.objects.set(path, { ...object, metadata });
  }

  /** Those that changed something. */
  writes(): readonly ApiRequest[] {
    return this.requests.filter(({ method = 'GET' }) => method !== 'GET');
  }

  async #suffer(request: ApiRequest, signal: AbortSignal | undefined): Promise<void> {
    const suffered = this.fault(request);
    if (suffered instanceof Error) throw suffered;
    if (suffered === undefined) return;
    const broken = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    await Promise.race([suffered, broken]);
  }

  #list({ path, query }: ApiRequest): Json | undefined {
    const [group, version, plural] = path.replace(/^\/apis\//, '').split('/');
    if (plural === undefined || path.includes('/namespaces/')) return undefined;
    const pattern = new RegExp(`^/apis/${group}/${version}/namespaces/[^/]+/${plural}/[^/]+$`);
    const items = [...this.objects].filter(([key]) => pattern.test(key)).map(([, object]) => object);
    const from = Number(query?.['continue'] ?? 0);
    const to = from + Number(query?.['limit'] ?? items.length);
    const metadata = { resourceVersion: String(this.#version), continue: to < items.length ? String(to) : '' };
    return { metadata, items: items.slice(from, to) };
  }

  #create({ path, body }: ApiRequest): ApiResponse {
    const object = body as StoredObject;
    const key = `${path}/${String(object.metadata['name'])}`;
    if (this.objects.has(key)) throw refused(409, 'AlreadyExists');
    checkTimes(object);
    this.put(key, object);
    return ok(this.objects.get(key));
  }

  #replace({ path, body }: ApiRequest): ApiResponse {
    const object = body as StoredObject;
    const before = this.objects.get(path) ?? notFound(path);
    if (before.metadata['resourceVersion'] !== object.metadata['resourceVersion']) throw refused(409, 'Conflict');
    checkTimes(object);
    this.put(path, object);
    return ok(this.objects.get(path));
  }

  /** Server-side apply by one manager: of `status`, or of the `clientConfig` of webhooks. */
  #apply({ path, body, query, contentType }: ApiRequest): ApiResponse {
    if (contentType !== 'application/apply-patch+yaml' || query?.['fieldManager'] === undefined) {
      throw refused(415, 'UnsupportedMediaType');
    }
    const key = path.replace(/\/status$/, '');
    const before = this.objects.get(key) ?? notFound(key);
    const applied = body as StoredObject;
    const expected = applied.metadata['resourceVersion'] ?? before.metadata['resourceVersion'];
    if (expected !== before.metadata['resourceVersion']) throw refused(409, 'Conflict');
    this.put(key, key === path ? withWebhooks(before, applied) : { ...before, status: applied['status'] });
    return ok(this.objects.get(key));
  }
}

interface Webhook {
  readonly name: string;
  readonly clientConfig: Json;
}

function withWebhooks(before: StoredObject, applied: StoredObject): StoredObject {
  const changes = applied['webhooks'] as readonly Webhook[];
  const webhooks = (before['webhooks'] as readonly Webhook[]).map((webhook) => {
    const change = changes.find(({ name }) => name === webhook.name);
    return { ...webhook, clientConfig: { ...webhook.clientConfig, ...change?.clientConfig } };
  });
  return { ...before, webhooks };
}

export function refused(status: number, reason: string): ApiError {
  return new ApiError('refused', `${status} ${reason}`, { status, reason });
}

function ok(body: unknown): ApiResponse {
  return { status: 200, body: structuredClone(body) };
}

function notFound(path: string): never {
  throw new ApiError('refused', `${path} not found`, { status: 404, reason: 'NotFound' });
}

/** As the real server refuses a MicroTime of three digits. */
function checkTimes({ spec }: Json): void {
  for (const key of ['acquireTime', 'renewTime']) {
    const time = (spec as Json | undefined)?.[key];
    if (typeof time === 'string' && !/T\d\d:\d\d:\d\d\.\d{6}Z$/.test(time)) throw refused(400, 'BadRequest');
  }
}
