import type { Caller } from '../identity/caller.ts';
import type { CertificateAuthority } from '../identity/certificate-authority.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Admission } from '../xds/admission.ts';
import { askerOf, authorize } from '../xds/authorization.ts';
import { clientStatusHandlers } from '../xds/client-status.ts';
import { certificateServicePath, createCertificate } from '../xds/certificate-service.ts';
import { gate, type GateOptions } from '../xds/gate.ts';
import type { XdsObserver } from '../xds/observer.ts';
import type { XdsServer } from '../xds/server.ts';
import { xdsHandlers } from '../xds/services.ts';
import { listen, type Listener } from '../xds/transport/listener.ts';
import { defaultLimits, type ProtocolOptions } from '../xds/transport/protocol.ts';
import type { CallHandler, StreamTransport } from '../xds/transport/transport.ts';
import { credentialsOf, type Callers } from './callers.ts';
import { connectionMetrics } from './connection-metrics.ts';
import { formatSocketAddress } from './listen-address.ts';
import { serverIdentity } from './server-identity.ts';
import type { Settings } from './settings.ts';
import { serverClock } from './system-clock.ts';

/** Where proxies connect: the plaintext listener of this machine and the TLS listener for all others. */

/** Milliseconds that streams get to end before they are cut. */
const shutdownGrace = 2_000;
/**
 * Seconds that proxies wait for their turn at most. Handshakes: less than the 5 s after which the generated bootstrap gives a connection
 * up, or Weir would do them for nobody.
 */
const longestWait = { handshake: 4, stream: 10 };

export interface XdsListenersOptions {
  readonly settings: Settings;
  readonly xds: XdsServer;
  readonly callers: Callers;
  /** undefined: nothing is signed. */
  readonly authority: CertificateAuthority | undefined;
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
    const calls = admittedCalls(options);
    const plaintext = await listenPlaintext(options, calls);
    if (plaintext !== undefined) opened.push(closing(plaintext));
    const tls = await listenTls(options, calls);
    if (tls !== undefined) opened.push(tls);
    return { plaintext: plaintext?.address, tls: tls?.address, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What both listeners do with a call: find out who calls, let it wait for its turn, have it served. One turn for both. */
function admittedCalls({ settings, xds, observer, metrics, log }: XdsListenersOptions) {
  const admission = new Admission({
    perSecond: settings.xdsStreamsPerSecond,
    longestWait: longestWait.stream,
    clock: serverClock,
  });
  metrics.beforeExposition(() => metrics.streamsAwaitingAdmission.set(admission.waiting));
  const connections = connectionMetrics(metrics, log);
  return (identify: GateOptions['identify'], others: ReadonlyMap<string, ServedCall>): ProtocolOptions => {
    const gateOptions = { admission, identify, observer, admitted: () => metrics.admittedStreams.inc() };
    const streams = xdsHandlers((transport, { wire, typeUrl }, metadata) =>
      gate(gateOptions, transport, metadata, (caller) => xds.accept(transport, wire, { only: typeUrl, caller })),
    );
    const further = [...others].map(([path, serve]): [string, CallHandler] => [
      path,
      (transport, metadata) => gate(gateOptions, transport, metadata, (caller) => serve(transport, caller)),
    ]);
    return {
      handlers: new Map([...streams, ...further]),
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

/** Serves a call of somebody who has been let in; undefined: nobody was asked who he is. */
type ServedCall = (transport: StreamTransport, caller: Caller | undefined) => void;
type AdmittedCalls = ReturnType<typeof admittedCalls>;

/** Whoever can reach it is on this machine, and is nobody: it gets no secrets, no certificate, and no word of other proxies (reliability S7). */
async function listenPlaintext({ settings }: XdsListenersOptions, calls: AdmittedCalls): Promise<Listener | undefined> {
  const { xdsPlaintext, xdsTransport } = settings;
  if (xdsPlaintext === undefined) return undefined;
  const address = formatSocketAddress(xdsPlaintext);
  return listen({ kind: xdsTransport, address, tls: undefined, ...calls(undefined, new Map()) });
}

async function listenTls(
  options: XdsListenersOptions,
  calls: AdmittedCalls,
): Promise<{ readonly address: string; close(): Promise<void> } | undefined> {
  const { settings, log, metrics, callers, authority } = options;
  const { xdsTls, xdsTransport } = settings;
  if (xdsTls === undefined) return undefined;
  const handshakes = new Admission({
    perSecond: settings.xdsStreamsPerSecond,
    longestWait: longestWait.handshake,
    clock: serverClock,
  });
  const identity = await serverIdentity({ settings, authority, log });
  const served = new Map<string, ServedCall>(clientStatusCalls(options.xds));
  if (authority !== undefined) {
    served.set(
      certificateServicePath,
      signed((...call) => createCertificate({ authority, log, metrics }, ...call)),
    );
  }
  const listener = await listen({
    kind: xdsTransport,
    address: formatSocketAddress(xdsTls),
    admit: (take) => handshakes.ask(take),
    tls: identity.first,
    ...calls((peer, metadata) => callers(credentialsOf(peer, metadata)), served),
  });
  const stopFollowing = identity.follow((next) => {
    listener.replaceTls(next);
    log.info('the certificates of xDS have changed; new connections get them');
  });
  return {
    address: listener.address,
    close: () => {
      stopFollowing();
      return closing(listener).close();
    },
  };
}

/** A certificate is signed for somebody, or not at all. */
function signed(serve: (transport: StreamTransport, caller: Caller) => void): ServedCall {
  return (transport, caller) => {
    const decision = authorize(askerOf(caller), { kind: 'certificate' });
    if (caller === undefined || decision.kind === 'denied') refuseCall(transport);
    else serve(transport, caller);
  };
}

/** A workload hears of the proxies of its namespace. */
function clientStatusCalls(xds: XdsServer): ReadonlyMap<string, ServedCall> {
  const shown = ({ namespace }: { readonly namespace: string | undefined }) =>
    xds.proxies().filter(({ workload }) => namespace === undefined || workload.namespace === namespace);
  const paths = [...clientStatusHandlers(() => []).keys()];
  return new Map(
    paths.map((path) => [
      path,
      (transport, caller) => {
        const decision = authorize(askerOf(caller), { kind: 'client-status' });
        if (decision.kind === 'denied') return refuseCall(transport);
        clientStatusHandlers(() => shown(decision)).get(path)?.(transport);
      },
    ]),
  );
}

function refuseCall(transport: StreamTransport): void {
  transport.close('PERMISSION_DENIED', 'this is not for you');
}

function closing(listener: Listener): { close(): Promise<void> } {
  return { close: () => listener.close(AbortSignal.timeout(shutdownGrace)) };
}
