import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { NacosError } from './nacos-error.ts';
import { serverText, type NacosServer } from './servers.ts';

/** Login and lists go by HTTP even where all else is gRPC (registries N24). */

export interface HttpExchange {
  readonly server: NacosServer;
  readonly tls: NacosTls | undefined;
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** TLS to the servers. */
export interface NacosTls {
  /** PEM of the authorities; undefined: those of the system. */
  readonly authorities: string | undefined;
  /** PEM of a client's certificate and key, where the servers ask for one. */
  readonly identity?: { readonly certificate: string; readonly key: string };
}

/** Reads the files that may have been replaced. Rejects when one of them is of no use. */
export type ReadTls = () => Promise<NacosTls>;

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

const deadlineMs = 5000;
/** 5,000 services with their counts are about 1 MB. */
const largestAnswer = 16 * 1024 * 1024;

/** @throws NacosError when there is no answer; every status is an answer */
export async function exchange(wanted: HttpExchange, signal: AbortSignal): Promise<HttpAnswer> {
  const { server, tls, method, path, form, headers = {} } = wanted;
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const ended = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  const options = {
    host: server.host,
    port: server.port,
    method,
    path,
    signal: ended,
    headers: {
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(tls?.authorities === undefined ? {} : { ca: tls.authorities }),
    ...(tls?.identity === undefined ? {} : { cert: tls.identity.certificate, key: tls.identity.key }),
  };
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const sent = (tls === undefined ? plainRequest : tlsRequest)(options, (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size > largestAnswer)
            response.destroy(new RangeError(`the answer is larger than ${largestAnswer} bytes`));
          parts.push(part);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (error) {
    signal.throwIfAborted();
    const failure = ended.aborted ? 'silent' : 'unreachable';
    throw new NacosError(failure, `${method} ${serverText(server)}${path.split('?', 1)[0]}: no answer`, {
      cause: error,
    });
  }
}
