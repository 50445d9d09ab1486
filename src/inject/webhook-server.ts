import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MalformedReview, ReviewAnswer } from './admission-review.ts';

/** Key and certificate of the server: PEM. */
export interface WebhookIdentity {
  readonly key: string;
  readonly certificate: string;
}

export interface WebhookOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly identity: WebhookIdentity;
  /** By their paths. Each takes the body of a request, parsed. */
  readonly reviews: ReadonlyMap<string, Review>;
  readonly observer: WebhookObserver;
}

export type Review = (body: unknown) => ReviewAnswer<unknown> | MalformedReview;

export interface WebhookObserver {
  /** A request that is no review, or could not be read. */
  malformed(reason: string): void;
  /** A bug: answered with 500, so that the webhook's failurePolicy decides. */
  failed(error: unknown): void;
}

export interface WebhookServer {
  /** The port in use, also where a free one was asked for. */
  readonly port: number;
  /** For new connections. */
  replaceIdentity(identity: WebhookIdentity): void;
  /** Settles when every connection is closed. */
  close(): Promise<void>;
}

/** The address could not be listened on. */
export class WebhookListenError extends Error {
  override readonly name = 'WebhookListenError';
}

/** Bytes: an object and the one before it, each of up to 1.5 MiB in the store and somewhat more as JSON. */
const largestBody = 8 * 1024 * 1024;
/** Bodies under way at the same time are no more than this many connections hold. */
const mostConnections = 32;

/** What goes wrong with a request before there is a review to answer. */
class RequestFault extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Serves reviews over HTTPS. Nobody has to say who they are: what is answered is known to whoever has the object.
 *
 * @throws WebhookListenError when the address is taken or is no address
 */
export async function listenForReviews(options: WebhookOptions): Promise<WebhookServer> {
  const { host, identity, observer } = options;
  const server = createServer({
    ...tlsOf(identity),
    minVersion: 'TLSv1.2',
    handshakeTimeout: 5_000,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 120_000,
  });
  server.maxConnections = mostConnections;
  server.on('request', (request, response) => {
    handle(request, response, options).catch((error: unknown) => observer.failed(error));
  });
  const { port } = await listen(server, host, options.port);
  return {
    port,
    replaceIdentity: (next) => server.setSecureContext({ ...tlsOf(next), minVersion: 'TLSv1.2' }),
    close: () => close(server),
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, options: WebhookOptions): Promise<void> {
  const { observer } = options;
  try {
    const review = reviewFor(request, options);
    const answer = review(parsed(await bodyOf(request)));
    if (answer.kind === 'malformed') throw new RequestFault(400, answer.reason);
    send(response, 200, 'application/json', JSON.stringify(answer.review));
  } catch (error) {
    if (error instanceof RequestFault) {
      observer.malformed(error.message);
      // What was not read of the body stands before the next request of the connection.
      if (!request.complete) response.setHeader('connection', 'close');
      return send(response, error.status, 'text/plain; charset=utf-8', `${error.message}\n`);
    }
    send(response, 500, 'text/plain; charset=utf-8', 'the review failed; the log of Weir says why\n');
    throw error;
  }
}

function reviewFor(request: IncomingMessage, { reviews }: WebhookOptions): Review {
  const review = reviews.get((request.url ?? '').split('?', 1)[0] ?? '');
  if (review === undefined)
    throw new RequestFault(404, `reviews are answered on ${[...reviews.keys()].join(', ')} alone`);
  if (request.method !== 'POST') throw new RequestFault(405, 'a review is asked for by POST');
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json') throw new RequestFault(415, 'a review is of the content type application/json');
  if (Number(request.headers['content-length'] ?? 0) > largestBody) throw tooLarge();
  return review;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(): RequestFault {
  return new RequestFault(413, `a review is no larger than ${largestBody} bytes`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestFault(400, 'the body is not JSON');
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function tlsOf({ key, certificate }: WebhookIdentity): { readonly key: string; readonly cert: string } {
  return { key, cert: certificate };
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void => {
      reject(new WebhookListenError(`cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
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
