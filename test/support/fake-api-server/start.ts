import { Authority } from '../certificates.ts';
import { FakeApiServer } from './server.ts';
import { timeOfTheMachine, type ServerClock } from './server-clock.ts';

export interface StartOptions {
  /** Default: the time of the machine. */
  readonly clock?: ServerClock;
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
}

export async function startFakeApiServer({ clock, bookmarkMs, tls }: StartOptions = {}): Promise<RunningFake> {
  const authority = tls === true ? new Authority('fake cluster') : undefined;
  const token = 'token-of-the-administrator';
  const server = new FakeApiServer({
    clock: clock ?? timeOfTheMachine,
    bookmarkMs: bookmarkMs ?? 60_000,
    token,
    certificate: authority?.issue('fake-api-server', '127.0.0.1', 'localhost'),
  });
  await server.up();
  const url = `${authority === undefined ? 'http' : 'https'}://127.0.0.1:${server.port}`;
  const ca = authority?.certificate;
  return { server, url, ca, kubeconfig: kubeconfigOf(url, ca, token) };
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
