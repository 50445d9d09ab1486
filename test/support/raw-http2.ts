import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An HTTP/2 client that says exactly the bytes that it is told to, and reads the frames that come back. */

export const clientPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const emptySettings = rawFrame(4, 0, 0);
/** Of a gRPC call, in HPACK without compression: POST, http, the path of the rig, its content type. */
export const callHeaders = Buffer.concat([
  Buffer.of(0x83, 0x86),
  literal(':path', '/test.Test/Call'),
  literal('content-type', 'application/grpc'),
]);

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** @param size what the header says, if that is not the length of the payload */
export function rawFrame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.of(),
  size = payload.length,
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(size, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A header whose name and value are said in full; both shorter than 127 bytes. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
}

export class RawHttp2Client {
  readonly socket: Socket;
  readonly frames: RawFrame[] = [];
  readonly closed: Promise<unknown>;
  #unread = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.closed = once(this.socket, 'close');
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.socket.on('close', () => this.#wake());
  }

  /** Preface, settings and, if asked for, the headers of a call on stream 1. */
  static begun(port: number, hasCall = false): RawHttp2Client {
    const client = new RawHttp2Client(port);
    client.say(clientPreface, emptySettings);
    if (hasCall) client.say(rawFrame(1, 4, 1, callHeaders));
    return client;
  }

  say(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  /** The first frame of a type, now or when it comes; undefined: the connection ended without. */
  async frame(type: number, holds: (frame: RawFrame) => boolean = () => true): Promise<RawFrame | undefined> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && holds(frame));
      if (found !== undefined || this.socket.closed) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The code of the GOAWAY that ends the connection. */
  async goAway(): Promise<number | undefined> {
    return (await this.frame(7))?.payload.readUInt32BE(4);
  }

  /** The code of the RST_STREAM that ends a stream. */
  async reset(stream: number): Promise<number | undefined> {
    return (await this.frame(3, (frame) => frame.stream === stream))?.payload.readUInt32BE(0);
  }

  /** A sign that everything before it was read. */
  async answered(): Promise<void> {
    const question = Buffer.from(`ask ${String(this.frames.length).padStart(4)}`);
    this.say(rawFrame(6, 0, 0, question));
    await this.frame(6, ({ flags, payload }) => flags === 1 && payload.equals(question));
  }

  #read(bytes: Buffer): void {
    let rest = Buffer.concat([this.#unread, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      const [type = 0, flags = 0] = rest.subarray(3, 5);
      this.frames.push({ type, flags, stream: rest.readUInt32BE(5), payload: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
    this.#unread = rest;
    this.#wake();
  }
}

/** Numbers of the types of frames. */
export const rawTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  more: 9,
} as const;
export const rawFlags = { endStream: 1, endHeaders: 4, padded: 8 } as const;

/** A number of four bytes. */
export function word(value: number): Buffer {
  return Buffer.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** One entry of a SETTINGS frame. */
export function setting(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(0, number), word(value)]);
}

/** The headers of a gRPC call. */
export function rawCall(stream: number, flags: number = rawFlags.endHeaders): Buffer {
  return rawFrame(rawTypes.headers, flags, stream, callHeaders);
}
