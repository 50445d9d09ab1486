import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  frame,
  frameFlags,
  frameHeaderSize,
  frameTypes,
  grpcMessage,
  initialWindow,
  largestFrame,
  opening,
  streamId,
  windowOfSettings,
  windowUpdate,
  writeFrameHeader,
} from './frames.ts';
import type { AckMode, GroupPlan, StreamPlan } from './plan.ts';
import { ResponseScanner } from './response-scanner.ts';

/** What the group that a connection belongs to hears of it. */
export interface ConnectionListener {
  /** The server has taken the call. */
  answered(connection: LoadConnection): void;
  /** A response has ended; the scanner holds what there is to know of it. */
  received(connection: LoadConnection, scanner: ResponseScanner): void;
  acknowledged(): void;
  /** It has come to an end that nobody here asked for. */
  failed(connection: LoadConnection, message: string): void;
}

/** All plaintext connections read into the same memory: what arrives is looked at and forgotten. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

/** One sidecar: a connection with one gRPC stream, as Envoy has it, that speaks raw HTTP/2 (hot-path H1306). */
export class LoadConnection {
  /** Since it was begun. */
  resources = 0;
  removed = 0;
  /** Messages since its group began to record. */
  ordinal = 0;
  readonly #group: GroupPlan;
  readonly #plan: StreamPlan;
  readonly #listener: ConnectionListener;
  readonly #socket: Socket;
  readonly #scanner: ResponseScanner;
  #ack: AckMode;
  #grants: boolean;
  #stepsTaken = 0;
  #isClosed = false;

  // Reading: the frame in hand.
  readonly #header = Buffer.alloc(frameHeaderSize);
  #headerRead = 0;
  #payloadLeft = 0;
  #control: Buffer[] = [];
  #ungranted = 0;

  // Writing: what the server lets through.
  #streamWindow = initialWindow;
  #connectionWindow = initialWindow;
  #settingsWindow = initialWindow;
  #queue: Buffer[] = [];

  constructor(group: GroupPlan, plan: StreamPlan, listener: ConnectionListener) {
    this.#group = group;
    this.#plan = plan;
    this.#listener = listener;
    this.#ack = group.ack;
    this.#grants = group.grants;
    this.#scanner = new ResponseScanner(() => this.#received());
    this.#socket = this.#connect();
  }

  /** From now on. */
  behave(ack: AckMode, grants: boolean): void {
    this.#ack = ack;
    this.#grants = grants;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #connect(): Socket {
    const { address, path, windows, tls } = this.#group;
    const colon = address.lastIndexOf(':');
    const where = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(readBuffer, length) };
    const socket =
      tls === undefined
        ? connectTcp({ ...where, onread })
        : connectTls({ ...where, ALPNProtocols: ['h2'], rejectUnauthorized: false, ...tls });
    if (tls !== undefined) socket.on('data', (bytes: Buffer) => this.#read(bytes, bytes.length));
    socket.setNoDelay(true);
    socket.on(tls === undefined ? 'connect' : 'secureConnect', () => {
      socket.write(opening(address, path, windows));
      this.#takeSteps();
    });
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('end', () => this.#fail('the server closed the connection'));
    return socket;
  }

  #fail(message: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#listener.failed(this, message);
  }

  // --- reading ---

  /** @returns that it goes on reading */
  #read(bytes: Buffer, length: number): true {
    try {
      this.#readFrames(bytes, length);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
    return true;
  }

  #readFrames(bytes: Buffer, end: number): void {
    for (let at = 0; at < end && !this.#isClosed;) {
      if (this.#headerRead < frameHeaderSize) {
        this.#header[this.#headerRead++] = bytes[at++] ?? 0;
        if (this.#headerRead === frameHeaderSize) this.#beginFrame();
        continue;
      }
      const taken = Math.min(this.#payloadLeft, end - at);
      if (this.#header[3] === frameTypes.data) this.#scanner.feed(bytes, at, at + taken);
      else this.#control.push(Buffer.from(bytes.subarray(at, at + taken)));
      at += taken;
      this.#payloadLeft -= taken;
      if (this.#payloadLeft === 0) this.#endFrame();
    }
  }

  #beginFrame(): void {
    this.#payloadLeft = this.#header.readUIntBE(0, 3);
    if (this.#payloadLeft === 0) this.#endFrame();
  }

  #endFrame(): void {
    const [type = 0, flags = 0] = this.#header.subarray(3, 5);
    const size = this.#header.readUIntBE(0, 3);
    this.#headerRead = 0;
    if (type === frameTypes.data) this.#endData(size, flags);
    else {
      const payload = Buffer.concat(this.#control);
      this.#control = [];
      this.#endControl(type, flags, payload);
    }
  }

  #endData(size: number, flags: number): void {
    if ((flags & frameFlags.padded) !== 0) throw new Error('a padded frame');
    if ((flags & frameFlags.endStream) !== 0) return this.#fail('the server ended the stream');
    this.#ungranted += size;
    if (!this.#grants || this.#ungranted * 2 < this.#group.windows.stream) return;
    this.#write(Buffer.concat([windowUpdate(streamId, this.#ungranted), windowUpdate(0, this.#ungranted)]));
    this.#ungranted = 0;
  }

  #endControl(type: number, flags: number, payload: Buffer): void {
    const isAck = (flags & frameFlags.ack) !== 0;
    const isOfStream = this.#header.readUInt32BE(5) === streamId;
    switch (type) {
      case frameTypes.headers:
        if ((flags & frameFlags.endStream) !== 0) return this.#fail('the server ended the stream with a status');
        return this.#listener.answered(this);
      case frameTypes.settings:
        if (!isAck) this.#adoptSettings(payload);
        return;
      case frameTypes.ping:
        if (!isAck) this.#write(frame(frameTypes.ping, frameFlags.ack, 0, payload));
        return;
      case frameTypes.windowUpdate:
        if (isOfStream) this.#streamWindow += payload.readUInt32BE();
        else this.#connectionWindow += payload.readUInt32BE();
        return this.#flush();
      case frameTypes.resetStream:
        return this.#fail(`the server reset the stream, code ${payload.readUInt32BE()}`);
      case frameTypes.goAway:
        return this.#fail(`the server sent GOAWAY, code ${payload.readUInt32BE(4)}`);
      default:
    }
  }

  #adoptSettings(payload: Buffer): void {
    const window = windowOfSettings(payload);
    if (window !== undefined) {
      this.#streamWindow += window - this.#settingsWindow;
      this.#settingsWindow = window;
    }
    this.#write(frame(frameTypes.settings, frameFlags.ack, 0, Buffer.alloc(0)));
    this.#flush();
  }

  // --- the protocol ---

  #received(): void {
    this.resources += this.#scanner.resources;
    this.removed += this.#scanner.removed;
    this.#listener.received(this, this.#scanner);
    const ack = this.#ack;
    switch (ack.kind) {
      case 'at-once':
        this.#answer(this.#encodeAck());
        break;
      case 'refuse':
        this.#answer(this.#encodeAck(ack.message));
        break;
      case 'late': {
        const message = this.#encodeAck();
        setTimeout(() => this.#answer(message), ack.milliseconds);
        break;
      }
      case 'never':
    }
    this.#takeSteps();
  }

  #answer(message: Buffer): void {
    if (this.#isClosed) return;
    this.#listener.acknowledged();
    this.#send(message);
  }

  /** A `DeltaDiscoveryRequest` of type and nonce, in one gRPC message; with an error it refuses. */
  #encodeAck(error?: string): Buffer {
    const { typeUrl, nonce } = this.#scanner;
    const detail = error === undefined ? Buffer.alloc(0) : errorDetail(error);
    return grpcMessage(
      Buffer.from([(2 << 3) | 2, typeUrl.length]),
      typeUrl.bytes.subarray(0, typeUrl.length),
      Buffer.from([(6 << 3) | 2, nonce.length]),
      nonce.bytes.subarray(0, nonce.length),
      detail,
    );
  }

  #takeSteps(): void {
    const { steps, node } = this.#plan;
    for (let step = steps[this.#stepsTaken]; step !== undefined; step = steps[this.#stepsTaken]) {
      if (this.resources + this.removed < step.after) return;
      const body = this.#group.bodies[step.body] ?? Buffer.alloc(0);
      this.#send(this.#stepsTaken === 0 ? grpcMessage(node, body) : grpcMessage(body));
      this.#stepsTaken++;
    }
  }

  // --- writing ---

  #send(message: Buffer): void {
    this.#queue.push(message);
    this.#flush();
  }

  /** Sends what the server's windows let through. */
  #flush(): void {
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      const size = Math.min(message.length, largestFrame, this.#streamWindow, this.#connectionWindow);
      if (size <= 0) return;
      this.#streamWindow -= size;
      this.#connectionWindow -= size;
      const bytes = Buffer.allocUnsafe(frameHeaderSize + size);
      writeFrameHeader(bytes, 0, { length: size, type: frameTypes.data, flags: 0, stream: streamId });
      bytes.set(message.subarray(0, size), frameHeaderSize);
      this.#write(bytes);
      if (size === message.length) this.#queue.shift();
      else this.#queue[0] = message.subarray(size);
    }
  }

  #write(bytes: Buffer): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }
}

/** Field `error_detail`: code 3 and a message shorter than 100 bytes. */
function errorDetail(message: string): Buffer {
  const text = Buffer.from(message);
  return Buffer.concat([Buffer.from([(7 << 3) | 2, text.length + 4, 1 << 3, 3, (2 << 3) | 2, text.length]), text]);
}
