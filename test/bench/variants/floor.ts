import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Delivery } from '../../../src/bench/delivery.ts';
import {
  frame,
  frameFlags,
  frameHeaderSize,
  frameTypes,
  grpcMessage,
  largestFrame,
  streamId,
  windowUpdate,
} from '../../../src/bench/load/frames.ts';
import type { ServerUnderTest } from '../../../src/bench/measurements.ts';
import { answerServerCalls } from '../../../src/bench/server-process.ts';
import { World, type WorldSize } from '../../../src/bench/world.ts';
import { Engine } from '../../../src/incremental/engine.ts';
import { encodeHead, responseConstants } from '../../../src/xds/envelope.ts';
import { resourceTypeByName } from '../../../src/xds/resource-types.ts';
import { spareBytes } from '../../../src/xds/transport/transport.ts';

/**
 * The floor under every server in Node: bare sockets, and DATA frames that are put together once for all streams (hot-path H103,
 * H1309). It knows no protocol: whatever comes first is a subscription, and everything later is an ACK.
 */

const clientPreface = 24;
/** `:status: 200` and the content type, as HPACK without compression. */
const responseHeaders = Buffer.concat([
  Buffer.from([0x88, 15, 31 - 15, 16]),
  Buffer.from('application/grpc', 'latin1'),
]);
const grant = 1 << 30;

export interface FloorSpec extends WorldSize {
  /** Sockets that hear of a change; undefined: all of them. */
  readonly reached?: number;
}

async function startFloor({ reached, ...size }: FloorSpec): Promise<ServerUnderTest> {
  const world = new World(new Engine(), size);
  const delivery = new Delivery();
  const sockets = new Set<Socket>();
  const constants = responseConstants('delta', resourceTypeByName('endpoints')?.typeUrl ?? '', 'floor');
  let pushes = 0;

  const frames = (): { readonly bytes: Buffer; readonly size: number } => {
    const head = encodeHead(constants, { version: '', nonce: (++pushes).toString(36), removed: [] });
    const message = grpcMessage(head.subarray(spareBytes), Buffer.concat(world.assignment(0).fragment));
    const parts: Buffer[] = [];
    for (let at = 0; at < message.length; at += largestFrame) {
      parts.push(frame(frameTypes.data, 0, streamId, message.subarray(at, at + largestFrame)));
    }
    return { bytes: Buffer.concat(parts), size: message.length };
  };
  const listeners = (service: number): Iterable<Socket> => {
    if (reached === undefined) return sockets;
    const all = [...sockets];
    return Array.from({ length: reached }, (_, index) => all[(service * reached + index) % all.length]).filter(
      (socket) => socket !== undefined,
    );
  };
  const send = (socket: Socket, { bytes, size }: ReturnType<typeof frames>): void => {
    socket.write(bytes);
    delivery.countSent(size, 1);
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.write(Buffer.concat([frame(frameTypes.settings, 0, 0, Buffer.alloc(0)), windowUpdate(0, grant)]));
    const reader = new DataFrames();
    let isSubscribed = false;
    socket.on('data', (bytes: Buffer) => {
      for (let count = reader.count(bytes); count > 0; count--) {
        if (isSubscribed) delivery.countAcked();
        else {
          isSubscribed = true;
          socket.write(frame(frameTypes.headers, frameFlags.endHeaders, streamId, responseHeaders));
          send(socket, frames());
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    delivery,
    change: (_, service) => {
      const name = world.moveEndpoint(service);
      const push = frames();
      for (const socket of listeners(service)) send(socket, push);
      return name;
    },
  };
}

/** Counts DATA frames in what a client sends. */
class DataFrames {
  #skip = clientPreface;
  #rest: Buffer = Buffer.alloc(0);

  count(bytes: Buffer): number {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let count = 0;
    let at = this.#skip;
    while (at + frameHeaderSize <= all.length) {
      if (all[at + 3] === frameTypes.data) count++;
      at += frameHeaderSize + all.readUIntBE(at, 3);
    }
    this.#skip = Math.max(0, at - all.length);
    this.#rest = all.subarray(Math.min(at, all.length));
    return count;
  }
}

answerServerCalls(startFloor);
