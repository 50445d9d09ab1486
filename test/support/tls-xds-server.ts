import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.ts';

/** An xDS stream that somebody opened: who they say they are, and how often they have spoken. */
export interface OpenedStream {
  readonly authorization: string | undefined;
  /** Subject of the client's certificate, as it was shown; not verified. */
  readonly subject: string | undefined;
  /** Settles with the next message. */
  message(): Promise<void>;
  /** Sends one gRPC message. */
  send(message: Uint8Array): void;
  /** Ends the stream as a server that goes away would. */
  end(): void;
}

/** A TLS server that speaks as much gRPC as a test of credentials needs, and knows nothing of xDS. */
export class TlsXdsServer {
  readonly #server: Http2SecureServer;
  readonly #streams: OpenedStream[] = [];
  #wake: () => void = () => undefined;

  private constructor(server: Http2SecureServer) {
    this.#server = server;
    server.on('stream', (stream, headers) => {
      this.#streams.push(opened(stream, headers.authorization));
      this.#wake();
    });
  }

  static async start({ key, certificate }: Certificate): Promise<TlsXdsServer> {
    const server = createSecureServer({ key, cert: certificate, requestCert: true, rejectUnauthorized: false });
    const started = new TlsXdsServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next stream that was opened. */
  async stream(): Promise<OpenedStream> {
    for (;;) {
      const stream = this.#streams.shift();
      if (stream !== undefined) return stream;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Whoever is connected may stay until they end it. */
  close(): void {
    this.#server.close();
  }
}

function opened(stream: ServerHttp2Stream, authorization: string | undefined): OpenedStream {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14' }));
  const socket = stream.session?.socket as TLSSocket | undefined;
  const shown: Partial<PeerCertificate> = socket?.getPeerCertificate() ?? {};
  return {
    authorization,
    subject: shown.subject === undefined ? undefined : String(shown.subject.CN),
    message: async () => void (await once(stream, 'data')),
    send: (message) => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      stream.write(Buffer.concat([prefix, message]));
    },
    end: () => stream.end(),
  };
}
