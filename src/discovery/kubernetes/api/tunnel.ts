import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { describeError } from '../../../observe/log.ts';
import { ApiError } from './api-client.ts';

/**
 * Opens a connection through an HTTP proxy (CONNECT, RFC 9110 9.3.6), over which TLS is then spoken with the API server itself.
 *
 * @param proxy `http:` or `https:`, with user and password if it wants them
 * @param target `host:port`
 * @throws ApiError `unreachable`; the signal's reason when it is aborted
 */
export async function openTunnel(proxy: URL, target: string, signal: AbortSignal): Promise<Socket> {
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const { username, password } = proxy;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const headers = { host: target, ...(username !== '' && { 'proxy-authorization': `Basic ${credentials}` }) };
  const refused = (why: string, cause?: unknown): ApiError =>
    new ApiError('unreachable', `no way to ${target} through the proxy ${proxy.host}: ${why}`, { cause });
  const asking = send({ ...placeOf(proxy), method: 'CONNECT', path: target, headers, agent: false, signal });
  asking.end();
  try {
    // Whatever the proxy answers, Node tells it by this event.
    const [response, socket] = (await once(asking, 'connect', { signal })) as [IncomingMessage, Socket];
    if (response.statusCode === 200) return socket;
    socket.destroy();
    throw refused(`it answers ${response.statusCode}`);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ApiError ? error : refused(describeError(error), error);
  }
}

function placeOf({ protocol, hostname, port }: URL): { readonly host: string; readonly port: number } {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? usual : Number(port) };
}
