import { ApiError, type ApiClient, type ApiRequest } from './api/api-client.ts';
import { isMapping } from './objects/object-rows.ts';

/** The entries of one Secret, which several processes read and write. */

export interface SecretEntriesOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
}

export interface ReadSecret {
  readonly entries: Readonly<Record<string, string>>;
  /** For `write`. */
  readonly version: string;
}

/** Milliseconds until a request is given up. */
const headersTimeoutMs = 10_000;

export class SecretEntries {
  readonly #client: ApiClient;
  readonly #collection: string;
  readonly #metadata: { readonly namespace: string; readonly name: string };

  constructor({ client, namespace, name }: SecretEntriesOptions) {
    this.#client = client;
    this.#collection = `/api/v1/namespaces/${namespace}/secrets`;
    this.#metadata = { namespace, name };
  }

  /**
   * @returns undefined: there is no such Secret
   * @throws ApiError
   */
  async read(): Promise<ReadSecret | undefined> {
    const body = await unless(404, this.#request({ path: this.#path }));
    if (!isMapping(body)) return undefined;
    const { metadata, data } = body;
    const version = isMapping(metadata) ? metadata['resourceVersion'] : undefined;
    const entries = Object.entries(isMapping(data) ? data : {}).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, Buffer.from(value, 'base64').toString('utf8')] as const] : [],
    );
    return { entries: Object.fromEntries(entries), version: typeof version === 'string' ? version : '' };
  }

  /**
   * Writes one entry and leaves the others alone.
   *
   * @param before version of the Secret that was read; undefined: there was none
   * @returns false: somebody else has written the Secret since
   * @throws ApiError
   */
  async write(entry: string, text: string, before: string | undefined): Promise<boolean> {
    const data = { [entry]: Buffer.from(text).toString('base64') };
    const request: ApiRequest =
      before === undefined
        ? { method: 'POST', path: this.#collection, body: this.#secret(data) }
        : {
            method: 'PATCH',
            path: this.#path,
            contentType: 'application/merge-patch+json',
            body: { metadata: { resourceVersion: before }, data },
          };
    return (await unless(409, this.#request(request))) !== undefined;
  }

  get #path(): string {
    return `${this.#collection}/${this.#metadata.name}`;
  }

  #secret(data: Readonly<Record<string, string>>): object {
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...this.#metadata, labels: { 'app.kubernetes.io/managed-by': 'weir' } },
      type: 'Opaque',
      data,
    };
  }

  async #request(request: ApiRequest): Promise<unknown> {
    return (await this.#client.request({ ...request, headersTimeoutMs })).body;
  }
}

/** undefined: the server refused by that status. */
async function unless(status: number, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === status) return undefined;
    throw error;
  }
}
