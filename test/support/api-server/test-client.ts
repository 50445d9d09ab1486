import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import {
  ApiError,
  type ApiClient,
  type ApiRequest,
  type ApiResponse,
} from '../../../src/discovery/kubernetes/api/api-client.ts';

/** A plain client of one API server, for tests. */
export function createTestClient(
  server: string,
  { ca, token }: { readonly ca: string; readonly token: string },
): ApiClient {
  const agent = new Agent({ keepAlive: true, ca });

  async function open(request: ApiRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const { method = 'GET', path, query = {}, body, contentType = 'application/json' } = request;
    const url = new URL(path, server);
    url.search = new URLSearchParams(query).toString();
    const content = body === undefined ? '' : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      authorization: `Bearer ${token}`,
      accept: request.accept ?? 'application/json',
      ...(body === undefined ? {} : { 'content-type': contentType }),
      // Node.js does not say by itself that a DELETE has content.
      'content-length': Buffer.byteLength(content),
    };
    const limit = AbortSignal.timeout(request.headersTimeoutMs ?? 30_000);
    const sent = httpsRequest(url, { method, headers, agent, ...(signal === undefined ? {} : { signal }) });
    sent.end(content);
    try {
      const [response] = (await once(sent, 'response', { signal: limit })) as [IncomingMessage];
      return response;
    } catch (error) {
      sent.destroy();
      signal?.throwIfAborted();
      if (limit.aborted) throw new ApiError('timeout', `${server} does not answer`, { cause: error });
      throw new ApiError('unreachable', `${server} is not reached: ${String(error)}`, { cause: error });
    }
  }

  async function accepted(request: ApiRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const response = await open(request, signal);
    const { statusCode = 0 } = response;
    if (statusCode < 300) return response;
    const status = parse(await text(response)) as {
      readonly reason?: string;
      readonly message?: string;
      readonly details?: {
        readonly causes?: readonly { readonly reason: string }[];
        readonly retryAfterSeconds?: number;
      };
    };
    const seconds = Number(response.headers['retry-after'] ?? status.details?.retryAfterSeconds ?? 0);
    throw new ApiError('refused', `${request.method ?? 'GET'} ${request.path}: ${statusCode} ${status.message}`, {
      status: statusCode,
      reason: status.reason ?? '',
      causes: (status.details?.causes ?? []).map(({ reason }) => reason),
      ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}),
    });
  }

  return {
    server,
    async request(request, signal): Promise<ApiResponse> {
      const response = await accepted(request, signal);
      return { status: response.statusCode ?? 0, body: parse(await text(response)) };
    },
    async lines(request, signal) {
      return linesOf(await accepted(request, signal));
    },
    close: () => agent.destroy(),
  };
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of response) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield Buffer.from(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
  }
}
