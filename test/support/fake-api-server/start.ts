import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { createApiClient } from '../../../src/discovery/kubernetes/api/create-api-client.ts';
import { Authority } from '../certificates.ts';
import { realTimedClock } from '../timed-clocks.ts';
import { FakeApiServer } from './server.ts';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';

export interface StartOptions {
  /** Default: the time of the machine. */
  readonly clock?: TimedClock;
  /** Milliseconds between bookmarks. Default: 60,000. */
  readonly bookmarkMs?: number;
  /** TLS with HTTP/2, under a certificate that is thrown away. Default: false, which is plain HTTP/1.1. */
  readonly tls?: boolean;
}

/** A fake API server that listens, and what a client has to know of it. */
export interface RunningFake {
  readonly server: FakeApiServer;
  readonly url: string;
  /** PEM; undefined without TLS. */
  readonly ca: string | undefined;
  /** In JSON, of which YAML is an extension. */
  readonly kubeconfig: string;
  /** With the rights of a user that may do everything. */
  readonly client: ApiClient;
  /** Ends both. */
  stop(): Promise<void>;
}

export async function startFakeApiServer({
  clock = realTimedClock,
  bookmarkMs,
  tls,
}: StartOptions = {}): Promise<RunningFake> {
  const authority = tls === true ? new Authority('fake cluster') : undefined;
  const token = 'token-of-the-administrator';
  const server = new FakeApiServer({
    clock,
    bookmarkMs: bookmarkMs ?? 60_000,
    token,
    certificate: authority?.issue('fake-api-server', '127.0.0.1', 'localhost'),
  });
  await server.up();
  const url = `${authority === undefined ? 'http' : 'https'}://127.0.0.1:${server.port}`;
  const ca = authority?.certificate;
  const client = createApiClient(
    { server: url, ...(ca && { authorities: { kind: 'text', text: ca } }), credentials: { kind: 'token', token } },
    { clock, userAgent: 'test/1', variables: {} },
  );
  return {
    server,
    url,
    ca,
    kubeconfig: kubeconfigOf(url, ca, token),
    client,
    stop: async () => {
      client.close();
      await server.stop();
    },
  };
}

function kubeconfigOf(url: string, ca: string | undefined, token: string): string {
  const name = 'fake';
  const trust = ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, ...trust } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
