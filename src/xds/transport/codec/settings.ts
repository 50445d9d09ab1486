import { ConnectionError } from './errors.ts';

/** SETTINGS (RFC 9113 section 6.5): what each end tells the other once. */

const numbers = {
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

const largestWindow = 0x7fff_ffff;
const smallestFrame = 16_384;
const largestFrame = 16_777_215;

/** What a peer's settings change for what is sent to it. */
export interface PeerSettings {
  readonly initialWindowSize: number | undefined;
  readonly maxFrameSize: number | undefined;
}

/** @throws ConnectionError when the payload is none or a value may not be. Numbers that it does not know are skipped. */
export function readSettings(payload: Buffer): PeerSettings {
  if (payload.length % 6 !== 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'settings are cut short');
  let initialWindowSize: number | undefined;
  let maxFrameSize: number | undefined;
  for (let at = 0; at < payload.length; at += 6) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case numbers.enablePush:
        if (value > 1) throw new ConnectionError('PROTOCOL_ERROR', `push is on or off, not ${value}`);
        break;
      case numbers.initialWindowSize:
        if (value > largestWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', `no window is as large as ${value}`);
        initialWindowSize = value;
        break;
      case numbers.maxFrameSize:
        if (value < smallestFrame || value > largestFrame) {
          throw new ConnectionError('PROTOCOL_ERROR', `frames cannot be limited to ${value} bytes`);
        }
        maxFrameSize = value;
        break;
      default:
    }
  }
  return { initialWindowSize, maxFrameSize };
}

export interface OwnSettings {
  readonly maxConcurrentStreams: number;
  readonly initialWindowSize: number;
  readonly maxHeaderListSize: number;
}

/** The payload that tells a client ours. */
export function writeSettings({ maxConcurrentStreams, initialWindowSize, maxHeaderListSize }: OwnSettings): Buffer {
  const entries = [
    [numbers.maxConcurrentStreams, maxConcurrentStreams],
    [numbers.initialWindowSize, initialWindowSize],
    [numbers.maxHeaderListSize, maxHeaderListSize],
  ] as const;
  const bytes = Buffer.allocUnsafe(entries.length * 6);
  for (const [index, [number, value]] of entries.entries()) {
    bytes.writeUInt16BE(number, index * 6);
    bytes.writeUInt32BE(value, index * 6 + 2);
  }
  return bytes;
}
