import type { Socket } from 'node:net';
import { Lifetime, type Mortal } from '../lifetime.ts';
import { peerOf } from '../peer.ts';
import type { ProtocolOptions } from '../protocol.ts';
import { StallDeadline } from '../stall.ts';
import { handshakeTimeout } from '../tls.ts';
import { receiveWindow, type PeerInfo } from '../transport.ts';
import { AbandonedStreams } from './abandoned.ts';
import { Allowance } from './allowance.ts';
import { ConnectionError, errorCodes, type ErrorName } from './errors.ts';
import { checkFrame, checkPlace } from './frame-rules.ts';
import { frame, frameFlags, FrameReader, frameTypes, words, type FrameHeader, type FrameReceiver } from './frames.ts';
import {
  headerTableSize,
  maxConcurrentStreams,
  maxHeaderListSize,
  preface,
  question,
  settingsAck,
} from './greeting.ts';
import { HeaderBlockReader, type HeaderBlock } from './header-block.ts';
import { encodingRefusal, httpStatus, trailersOnly } from './header-blocks.ts';
import { HpackDecoder, type HeaderList } from './hpack-decode.ts';
import type { MessageFramer } from './outgoing.ts';
import type { Reception, Source } from './reception.ts';
import { faultOfTrailers, readRequest, type Call } from './request.ts';
import { Sender } from './sender.ts';
import { readSettings } from './settings.ts';
import { CodecStream, type StreamHost } from './stream.ts';
import { initialWindow, ReceiveWindow, windowTooLarge } from './windows.ts';

/** What all connections of one listener share. */
export interface Shared {
  readonly options: ProtocolOptions;
  readonly reception: Reception;
  readonly framer: MessageFramer;
}

/** Milliseconds that a client has to read why its connection ends. */
const lastWords = 1_000;

/** One client: the state of an HTTP/2 connection (RFC 9113), and its streams. */
export class Connection implements FrameReceiver, StreamHost, Source, Mortal {
  readonly peer: PeerInfo;
  readonly sender: Sender;
  sendWindow = initialWindow;
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #lifetime: Lifetime;
  readonly #reader = new FrameReader(this);
  readonly #headers = new HeaderBlockReader();
  readonly #decoder = new HpackDecoder(maxHeaderListSize, headerTableSize);
  readonly #receive = new ReceiveWindow(receiveWindow);
  readonly #streams = new Map<number, CodecStream>();
  readonly #abandoned = new AbandonedStreams();
  /** No proxy resets streams by the hundred (reliability S77). */
  readonly #resets = new Allowance(100, 10);
  /** Frames that bring nothing, or ask for an answer, beyond one for each message that the client is sent (reliability S77). */
  readonly #idleFrames = new Allowance(1_000, 100);
  #lastStream = 0;
  #hasSettings = false;
  /** No new streams: Weir said so, or the client. */
  #isLeaving = false;
  /** Nothing that comes is heard any more. */
  #isDeaf = false;
  /** Something came since it was asked last. */
  #wasHeard = false;
  /** It had to wait since it was asked last, so that what the client said may be unread. */
  #wasPaused = false;
  #answered: (() => void) | undefined;
  #cancelDeadline: () => void = () => undefined;

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    this.peer = peerOf(socket);
    this.sender = new Sender(socket, shared.framer);
    this.#setDeadline();
    this.#lifetime = new Lifetime(this, shared.options);
    socket.on('data', (bytes: Buffer) => shared.reception.take(this, bytes));
    socket.on('close', () => this.#closed('the client cancelled the stream or is gone'));
    this.sender.control(preface);
  }

  get address(): string {
    return this.peer.address;
  }

  // --- reading ---

  pause(): void {
    this.#wasPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#wasPaused = true;
    this.#socket.resume();
  }

  read(bytes: Buffer): void {
    if (this.#isDeaf) return;
    this.#wasHeard = true;
    // What is said in answer leaves at once.
    this.#socket.cork();
    try {
      this.#reader.push(bytes);
    } catch (error) {
      // A fault of Weir's own ends this connection and no other.
      this.#fail(error instanceof ConnectionError ? error : new ConnectionError('INTERNAL_ERROR', String(error)));
    } finally {
      this.#socket.uncork();
    }
  }

  dataBegun(header: FrameHeader): void {
    this.#check(header);
    if (!this.#receive.take(header.length)) {
      throw new ConnectionError('FLOW_CONTROL_ERROR', 'the client sends more than the window of the connection');
    }
    if (header.length === 0 && (header.flags & frameFlags.endStream) === 0) this.#spendIdleFrame();
    const stream = this.#streams.get(header.stream);
    if (stream === undefined) return this.#checkAbandoned(header.stream);
    const fault = stream.begin(header.length);
    if (fault !== undefined) this.#reset(stream, fault);
  }

  dataRead({ stream: id, flags, length }: FrameHeader, bytes: Buffer, isEnd: boolean): void {
    const size = (flags & frameFlags.padded) === 0 ? bytes.length : length;
    const isEndOfStream = isEnd && (flags & frameFlags.endStream) !== 0;
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.released(size);
      if (isEndOfStream) this.#abandoned.delete(id);
      return;
    }
    stream.read(bytes, size);
    if (isEndOfStream) stream.finish();
  }

  frameRead(header: FrameHeader, payload: Buffer): void {
    this.#check(header);
    switch (header.type) {
      case frameTypes.headers:
        return this.#headersRead(this.#headers.begin(header, payload));
      case frameTypes.continuation:
        return this.#headersRead(this.#headers.continue(header, payload));
      case frameTypes.resetStream:
        return this.#resetRead(header.stream, payload.readUInt32BE());
      case frameTypes.settings:
        return this.#settingsRead(header, payload);
      case frameTypes.ping:
        return this.#pingRead(header, payload);
      case frameTypes.goAway:
        this.#isLeaving = true;
        return this.#finishIfDone();
      case frameTypes.windowUpdate:
        return this.#windowUpdateRead(header.stream, payload.readUInt32BE() & 0x7fff_ffff);
      default:
        return this.#spendIdleFrame();
    }
  }

  #check(header: FrameHeader): void {
    checkFrame(header);
    checkPlace(header, this.#hasSettings, this.#headers.isInside, this.#lastStream);
  }

  #spendIdleFrame(): void {
    this.#spend(this.#idleFrames, 'the client sends frames that say nothing');
  }

  #spend(allowance: Allowance, message: string): void {
    if (!allowance.spend(this.#shared.options.clock.now())) throw new ConnectionError('ENHANCE_YOUR_CALM', message);
  }

  // --- frames ---

  #settingsRead({ flags, length }: FrameHeader, payload: Buffer): void {
    this.#spendIdleFrame();
    if ((flags & frameFlags.ack) !== 0) {
      if (length > 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'an acknowledgement of settings says nothing');
      return;
    }
    const { initialWindowSize, maxFrameSize } = readSettings(payload);
    if (!this.#hasSettings) {
      this.#hasSettings = true;
      this.#cancelDeadline();
      this.#cancelDeadline = () => undefined;
    }
    if (maxFrameSize !== undefined) this.sender.largestFrame = maxFrameSize;
    this.sender.control(settingsAck);
    if (initialWindowSize === undefined) return;
    const growth = initialWindowSize - this.sendWindow;
    this.sendWindow = initialWindowSize;
    for (const stream of this.#streams.values()) {
      if (!stream.window.grow(growth)) throw windowTooLarge();
      this.sender.resume(stream);
    }
  }

  #pingRead({ flags }: FrameHeader, payload: Buffer): void {
    if ((flags & frameFlags.ack) === 0) {
      this.#spendIdleFrame();
      return this.sender.control(frame(frameTypes.ping, frameFlags.ack, 0, payload));
    }
    const answered = this.#answered;
    this.#answered = undefined;
    if (answered === undefined) this.#spendIdleFrame();
    else answered();
  }

  #windowUpdateRead(id: number, bytes: number): void {
    if (id === 0) {
      if (bytes === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a window grows by nothing');
      if (!this.sender.grow(bytes)) throw windowTooLarge();
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (bytes === 0) this.#reset(stream, 'PROTOCOL_ERROR');
    else if (stream.window.grow(bytes)) this.sender.resume(stream);
    else this.#reset(stream, 'FLOW_CONTROL_ERROR');
  }

  #resetRead(id: number, code: number): void {
    this.#abandoned.delete(id);
    this.#streams.get(id)?.break(`the client reset the stream, code ${code}`);
    this.#spend(this.#resets, 'the client resets streams by the hundred');
  }

  #headersRead(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const list = this.#decoder.decode(block.bytes);
    const stream = this.#streams.get(block.stream);
    if (stream !== undefined) this.#trailersRead(stream, block, list);
    else if (block.stream > this.#lastStream) this.#requestRead(block, list);
    else this.#checkAbandoned(block.stream);
  }

  #trailersRead(stream: CodecStream, { isEnd }: HeaderBlock, list: HeaderList): void {
    const isClosed = stream.begin(0) !== undefined;
    const isFault = !isEnd || list.kind === 'too-large' || faultOfTrailers(list.fields) !== undefined;
    if (isClosed) this.#reset(stream, 'STREAM_CLOSED');
    else if (isFault) this.#reset(stream, 'PROTOCOL_ERROR');
    else stream.finish();
  }

  #requestRead({ stream: id, isEnd }: HeaderBlock, list: HeaderList): void {
    if (id % 2 === 0) throw new ConnectionError('PROTOCOL_ERROR', `a client cannot open stream ${id}`);
    this.#lastStream = id;
    if (this.#isLeaving || this.#streams.size >= maxConcurrentStreams) return this.#refuse(id, isEnd, 'REFUSED_STREAM');
    if (list.kind === 'too-large') return this.#answer(id, isEnd, httpStatus(431));
    const head = readRequest(list.fields);
    switch (head.kind) {
      case 'malformed':
        return this.#refuse(id, isEnd, 'PROTOCOL_ERROR');
      case 'refused':
        return this.#answer(
          id,
          isEnd,
          head.refusal.kind === 'http' ? httpStatus(head.refusal.status) : encodingRefusal(head.refusal.message),
        );
      case 'call':
        return this.#open(id, isEnd, head);
    }
  }

  // --- streams ---

  #open(id: number, isEnd: boolean, { path, metadata }: Call): void {
    const handler = this.#shared.options.handlers.get(path);
    if (handler === undefined) {
      return this.#answer(id, isEnd, trailersOnly('UNIMPLEMENTED', `there is no method ${path}`));
    }
    const stream = new CodecStream(id, this);
    this.#streams.set(id, stream);
    handler(stream, metadata);
    if (isEnd) stream.finish();
  }

  stallDeadline(missed: (seconds: number) => void): StallDeadline {
    const { clock, limits, observer } = this.#shared.options;
    return new StallDeadline(clock, limits.stall, (seconds) => {
      observer.ended('stall', this.address);
      missed(seconds);
    });
  }

  released(bytes: number): void {
    const granted = this.#receive.release(bytes);
    if (granted > 0) this.sender.control(frame(frameTypes.windowUpdate, 0, 0, words(granted)));
  }

  messageSent(): void {
    this.#idleFrames.earn();
  }

  ended({ id }: CodecStream, isClientDone: boolean): void {
    this.#streams.delete(id);
    if (!isClientDone) this.#abandoned.add(id);
    this.#finishIfDone();
  }

  /** By headers alone. */
  #answer(id: number, isEnd: boolean, block: Buffer): void {
    this.sender.control(frame(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, id, block));
    if (!isEnd) this.#refuse(id, isEnd, 'NO_ERROR');
  }

  #refuse(id: number, isEnd: boolean, code: ErrorName): void {
    this.sender.control(frame(frameTypes.resetStream, 0, id, words(errorCodes[code])));
    if (!isEnd) this.#abandoned.add(id);
  }

  #reset(stream: CodecStream, code: ErrorName): void {
    stream.reset(code);
    stream.break(`the client broke the rules of HTTP/2: ${code}`);
  }

  #checkAbandoned(id: number): void {
    if (!this.#abandoned.has(id)) throw new ConnectionError('STREAM_CLOSED', `stream ${id} has ended`);
  }

  // --- the end ---

  heard(): boolean {
    const heard = this.#wasHeard || this.#isBehind();
    this.#wasHeard = false;
    return heard;
  }

  /** Whether what the client said may be unread because it was not its turn. */
  #isBehind(): boolean {
    const isBehind = this.#wasPaused || this.#shared.reception.isWaiting(this);
    this.#wasPaused = false;
    return isBehind;
  }

  #missedDeadline(): void {
    if (this.#isBehind()) this.#setDeadline();
    else this.#fail(new ConnectionError('PROTOCOL_ERROR', 'the client said nothing in time'));
  }

  #setDeadline(): void {
    this.#cancelDeadline = this.#shared.options.clock.after(handshakeTimeout, () => this.#missedDeadline());
  }

  ping(answered: () => void): void {
    this.#answered = answered;
    this.sender.control(question);
  }

  leave(): void {
    if (!this.#isLeaving) this.#goAway('NO_ERROR', '');
    this.#isLeaving = true;
    this.#finishIfDone();
  }

  close(reason: string): void {
    this.leave();
    for (const stream of this.#streams.values()) stream.close('UNAVAILABLE', reason);
  }

  cut(): void {
    this.#socket.destroy();
  }

  #finishIfDone(): void {
    if (this.#isLeaving && this.#streams.size === 0 && !this.#socket.writableEnded) this.#socket.end();
  }

  #goAway(code: ErrorName, reason: string): void {
    const debug = Buffer.from(reason);
    this.sender.control(frame(frameTypes.goAway, 0, 0, words(this.#lastStream, errorCodes[code]), debug));
  }

  /** Tells the client why, and gives it time to read that: a socket that is cut with bytes unread loses what it was sent. */
  #fail({ code, message }: ConnectionError): void {
    if (this.#isDeaf) return;
    this.#shared.options.observer.ended('protocol', this.address, message);
    this.#goAway(code, message);
    this.#isLeaving = true;
    this.#closed(message);
    this.#socket.end();
    const cancel = this.#shared.options.clock.after(lastWords, () => this.cut());
    this.#socket.on('close', cancel);
  }

  #closed(detail: string): void {
    this.#isDeaf = true;
    this.#cancelDeadline();
    this.#lifetime.end();
    this.#shared.reception.forget(this);
    for (const stream of this.#streams.values()) stream.break(detail);
  }
}
