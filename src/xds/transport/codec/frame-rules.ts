import { ConnectionError } from './errors.ts';
import { frameTypes, type FrameHeader } from './frames.ts';

/** What may be said of frames without knowing what their payload says (RFC 9113 sections 5 and 6). */

interface Rule {
  readonly name: string;
  /** Bytes of its payload; undefined: any number. */
  readonly size?: number;
  readonly leastSize?: number;
  /** What it is about; undefined: either. */
  readonly about?: 'connection' | 'stream';
}

const rules: ReadonlyMap<number, Rule> = new Map([
  [frameTypes.data, { name: 'DATA', about: 'stream' }],
  [frameTypes.headers, { name: 'HEADERS', about: 'stream' }],
  [frameTypes.priority, { name: 'PRIORITY', about: 'stream', size: 5 }],
  [frameTypes.resetStream, { name: 'RST_STREAM', about: 'stream', size: 4 }],
  [frameTypes.settings, { name: 'SETTINGS', about: 'connection' }],
  [frameTypes.ping, { name: 'PING', about: 'connection', size: 8 }],
  [frameTypes.goAway, { name: 'GOAWAY', about: 'connection', leastSize: 8 }],
  [frameTypes.windowUpdate, { name: 'WINDOW_UPDATE', size: 4 }],
  [frameTypes.continuation, { name: 'CONTINUATION', about: 'stream' }],
]);

/** @throws ConnectionError when a frame of its type cannot be like this. Types that nobody knows can. */
export function checkFrame({ type, length, stream }: FrameHeader): void {
  if (type === frameTypes.pushPromise) throw new ConnectionError('PROTOCOL_ERROR', 'a client pushes nothing');
  const rule = rules.get(type);
  if (rule === undefined) return;
  const { name, size = length, leastSize = 0, about } = rule;
  if (about !== undefined && (about === 'stream') !== stream > 0) {
    throw new ConnectionError('PROTOCOL_ERROR', `${name} is about a ${about}`);
  }
  if (length !== size || length < leastSize) {
    throw new ConnectionError('FRAME_SIZE_ERROR', `${name} cannot be of ${length} bytes`);
  }
}

/**
 * @param hasSettings whether the client has said its settings
 * @param isInsideHeaders whether a block of headers has begun and not ended
 * @param lastStream the highest number that the client has used
 * @throws ConnectionError when a frame of its type cannot come now
 */
export function checkPlace(
  { type, stream }: FrameHeader,
  hasSettings: boolean,
  isInsideHeaders: boolean,
  lastStream: number,
): void {
  if (!hasSettings && type !== frameTypes.settings) {
    throw new ConnectionError('PROTOCOL_ERROR', 'a client begins with its settings');
  }
  if (isInsideHeaders && type !== frameTypes.continuation) {
    throw new ConnectionError('PROTOCOL_ERROR', 'nothing comes between headers and their continuation');
  }
  const mayBegin = type === frameTypes.headers || type === frameTypes.priority || type >= frameTypes.continuation;
  if (!mayBegin && stream > lastStream) {
    throw new ConnectionError('PROTOCOL_ERROR', `stream ${stream} has not begun`);
  }
}
