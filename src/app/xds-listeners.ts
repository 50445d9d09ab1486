import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Admission, gate } from '../xds/admission.ts';
import { clientStatusHandlers } from '../xds/client-status.ts';
import type { XdsObserver } from '../xds/observer.ts';
import type { XdsServer } from '../xds/server.ts';
import { xdsHandlers } from '../xds/services.ts';
import { listen, type Listener } from '../xds/transport/listener.ts';
import { defaultLimits, type ProtocolOptions } from '../xds/transport/protocol.ts';
import type { PeerInfo } from '../xds/transport/transport.ts';
import { connectionMetrics } from './connection-metrics.ts';
import { formatSocketAddress } from './listen-address.ts';
import type { Settings } from './settings.ts';
import { serverClock } from './system-clock.ts';
import { followTlsFiles, readTlsFiles, type TlsFiles } from './tls-files.ts';

/** Where proxies connect: the plaintext listener of this machine and the TLS listener for all others. */

/** Milliseconds that streams get to end before they are cut. */
const shutdownGrace = 2_000;
/**
 * Seconds that proxies wait for their turn at most. Handshakes: less than the 5 s after which the generated bootstrap gives a connection
 * up, or Weir would do them for nobody.
 */
const longestWait = { handshake: 4, stream: 10 };
/** Milliseconds between looks at the files of certificates. */
const fileInterval = 10_000;

export interface XdsListenersOptions {
  readonly settings: Settings;
  readonly xds: XdsServer;
  readonly observer: XdsObserver;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface XdsListeners {
  /** `host:port`; undefined: not served. */
  readonly plaintext: string | undefined;
  /** `host:port`; undefined: not served. */
  readonly tls: string | undefined;
  close(): Promise<void>;
}

/** @throws ListenError, TlsFileError; nothing is listened on then */
export async function listenXds(options: XdsListenersOptions): Promise<XdsListeners> {
  const opened: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((listener) => listener.close()));
  };
  try {
    const streams = admittedStreams(options);
    const plaintext = await listenPlaintext(options, streams);
    if (plaintext !== undefined) opened.push(closing(plaintext));
    const tls = await listenTls(options, streams);
    if (tls !== undefined) opened.push(tls);
    return { plaintext: plaintext?.address, tls: tls?.address, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What both listeners do with a stream: ask who it is, let it wait for its turn, have it served. One turn for both. */
function admittedStreams({ settings, xds, observer, metrics, log }: XdsListenersOptions) {
  const admission = new Admission({
    perSecond: settings.xdsStreamsPerSecond,
    longestWait: longestWait.stream,
    clock: serverClock,
  });
  metrics.beforeExposition(() => metrics.streamsAwaitingAdmission.set(admission.waiting));
  const connections = connectionMetrics(metrics, log);
  return (objection: (peer: PeerInfo) => string | undefined): Omit<ProtocolOptions, 'tls'> => {
    const gateOptions = { admission, objection, observer, admitted: () => metrics.admittedStreams.inc() };
    return {
      handlers: xdsHandlers((transport, { wire, typeUrl }) => {
        gate(gateOptions, transport, () => xds.accept(transport, wire, { only: typeUrl }));
      }),
      limits: {
        ...defaultLimits,
        keepaliveInterval: settings.xdsKeepalive,
        age: settings.xdsMaxConnectionAge,
        stall: settings.xdsStallTimeout,
      },
      clock: serverClock,
      random: Math.random,
      observer: connections,
    };
  };
}

type AdmittedStreams = ReturnType<typeof admittedStreams>;

async function listenPlaintext(
  { settings, xds }: XdsListenersOptions,
  streams: AdmittedStreams,
): Promise<Listener | undefined> {
  const { xdsPlaintext, xdsTransport } = settings;
  if (xdsPlaintext === undefined) return undefined;
  // Whoever can reach it is on this machine, and may know how every proxy is; a proxy elsewhere may not.
  const { handlers, ...others } = streams(() => undefined);
  return listen({
    kind: xdsTransport,
    address: formatSocketAddress(xdsPlaintext),
    tls: undefined,
    handlers: new Map([...handlers, ...clientStatusHandlers(() => xds.proxies())]),
    ...others,
  });
}

async function listenTls(
  { settings, log }: XdsListenersOptions,
  streams: AdmittedStreams,
): Promise<{ readonly address: string; close(): Promise<void> } | undefined> {
  const { xdsTls, xdsTransport } = settings;
  const files = tlsFilesOf(settings);
  if (xdsTls === undefined || files === undefined) return undefined;
  const identity = await readTlsFiles(files);
  const handshakes = new Admission({
    perSecond: settings.xdsStreamsPerSecond,
    longestWait: longestWait.handshake,
    clock: serverClock,
  });
  const listener = await listen({
    kind: xdsTransport,
    address: formatSocketAddress(xdsTls),
    admit: (take) => handshakes.ask(take),
    tls: identity,
    ...streams(({ certificate }) =>
      certificate === undefined ? 'there is no verified client certificate' : undefined,
    ),
  });
  const stopFollowing = followTlsFiles({
    read: () => readTlsFiles(files),
    identity,
    interval: fileInterval,
    clock: serverClock,
    changed: (next) => {
      listener.replaceTls(next);
      log.info('the certificates of xDS were read again; new connections get them');
    },
    failed: (error) =>
      log.error('the certificates of xDS have changed and are of no use; those before stay', { error }),
  });
  return {
    address: listener.address,
    close: () => {
      stopFollowing();
      return closing(listener).close();
    },
  };
}

function tlsFilesOf({ xdsTlsKey, xdsTlsCert, xdsTlsClientCa }: Settings): TlsFiles | undefined {
  if (xdsTlsKey === undefined || xdsTlsCert === undefined || xdsTlsClientCa === undefined) return undefined;
  return { key: xdsTlsKey, certificate: xdsTlsCert, clientCa: xdsTlsClientCa };
}

function closing(listener: Listener): { close(): Promise<void> } {
  return { close: () => listener.close(AbortSignal.timeout(shutdownGrace)) };
}
