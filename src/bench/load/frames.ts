/** HTTP/2 frames as a gRPC client with one stream needs them (RFC 9113), written by hand. */

export const frameTypes = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;

export const frameFlags = { ack: 1, endStream: 1, endHeaders: 4, padded: 8 } as const;

export const frameHeaderSize = 9;
/** Payload of the largest frame that may be sent to a server that has not said more. */
export const largestFrame = 16_384;
/** Bytes that may be sent before the receiver has said anything. */
export const initialWindow = 65_535;
/** The one stream of a connection. */
export const streamId = 1;

const settingNumbers = { initialWindowSize: 4 } as const;
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** @param stream 0: the connection */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderSize + payload.length);
  writeFrameHeader(bytes, 0, { length: payload.length, type, flags, stream });
  bytes.set(payload, frameHeaderSize);
  return bytes;
}

export interface FrameHeader {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

export function writeFrameHeader(bytes: Buffer, at: number, { length, type, flags, stream }: FrameHeader): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

/** A gRPC message with its five bytes in front: no compression, length. */
export function grpcMessage(...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = Buffer.allocUnsafe(5 + length);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  let at = 5;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function windowUpdate(stream: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(bytes);
  return frame(frameTypes.windowUpdate, 0, stream, payload);
}

export interface Windows {
  /** Bytes that the server may send on the stream before more is granted. */
  readonly stream: number;
  /** Of the connection; at least 65,535. */
  readonly connection: number;
}

/** What a client says first: preface, settings, the connection's window, and the headers of a gRPC call. */
export function opening(authority: string, path: string, windows: Windows): Buffer {
  const settings = Buffer.allocUnsafe(6);
  settings.writeUInt16BE(settingNumbers.initialWindowSize, 0);
  settings.writeUInt32BE(windows.stream, 2);
  const extra = windows.connection - initialWindow;
  return Buffer.concat([
    Buffer.from(preface),
    frame(frameTypes.settings, 0, 0, settings),
    ...(extra > 0 ? [windowUpdate(0, extra)] : []),
    frame(frameTypes.headers, frameFlags.endHeaders, streamId, callHeaders(authority, path)),
  ]);
}

/** HPACK without compression: entries of the static table, and literals that nobody has to remember. */
function callHeaders(authority: string, path: string): Buffer {
  const postMethod = 0x83;
  const httpScheme = 0x86;
  return Buffer.concat([
    Buffer.from([postMethod, httpScheme]),
    literalWithIndexedName(4, path),
    literalWithIndexedName(1, authority),
    literalWithIndexedName(31, 'application/grpc'),
    Buffer.from([0]),
    text('te'),
    text('trailers'),
  ]);
}

/** @param name index in HPACK's static table */
function literalWithIndexedName(name: number, value: string): Buffer {
  const index = name < 15 ? Buffer.from([name]) : Buffer.from([15, name - 15]);
  return Buffer.concat([index, text(value)]);
}

/** Shorter than 127 bytes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

/** The window that a SETTINGS payload gives every stream; undefined: it does not say. */
export function windowOfSettings(payload: Buffer): number | undefined {
  let window: number | undefined;
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === settingNumbers.initialWindowSize) window = payload.readUInt32BE(at + 2);
  }
  return window;
}
