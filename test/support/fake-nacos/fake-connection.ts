import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Payload } from '../../../src/discovery/nacos/client/payload.ts';
import { messageOf, payloadOf, type Message } from './wire.ts';

/** A client of the server that is played, as the server knows it: by its TCP connection. */
export class FakeConnection {
  readonly subscriptions = new Set<string>();
  readonly patterns = new Set<string>();
  /** Types of what was acknowledged, in order. */
  readonly acknowledged: string[] = [];
  /** Types of what was asked, in order. */
  readonly asked: string[] = [];
  /** `address:port` of the client. */
  readonly peer: string;
  readonly #stream: ServerDuplexStream<Payload, Payload>;
  readonly #waiting = new Set<() => void>();
  #pushes = 0;

  constructor(peer: string, stream: ServerDuplexStream<Payload, Payload>) {
    this.peer = peer;
    this.#stream = stream;
    stream.on('data', (payload: Payload) => {
      if (!payload.type.endsWith('Response')) return;
      this.acknowledged.push(`${payload.type} ${String(messageOf(payload)['requestId'])}`);
      for (const look of this.#waiting) look();
    });
  }

  /** @param answer type and number */
  async untilAcknowledged(answer: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.acknowledged.includes(answer)) resolve();
    };
    this.#waiting.add(look);
    look();
    await promise;
    this.#waiting.delete(look);
  }

  push(type: string, message: Message): void {
    this.#stream.write(payloadOf(type, { headers: {}, requestId: String(++this.#pushes), ...message }));
  }

  /** Sends bytes of JSON as they are. */
  pushText(type: string, text: string): void {
    this.#stream.write({ type, headers: {}, json: Buffer.from(text) });
  }

  end(): void {
    this.#stream.end();
  }
}
