import type { Wire } from './observer.ts';
import {
  BeyondLimit,
  decodeDeltaRequest,
  decodeSotwRequest,
  MalformedMessage,
  type DiscoveryRequest,
} from './requests.ts';
import { StreamRefusal } from './stream-host.ts';
import { largestMessage } from './transport/transport.ts';

/**
 * A request as a stream takes it, with the type that the stream implies.
 *
 * @param only type URL of the one type that the stream carries (xds-protocol X4); undefined: it carries all of them
 * @throws StreamRefusal
 */
export function readRequest(message: Uint8Array, wire: Wire, only: string | undefined): DiscoveryRequest {
  const request = decode(message, wire);
  const { typeUrl } = request;
  if (typeUrl === '' && only === undefined) {
    throw new StreamRefusal('INVALID_ARGUMENT', 'the request has no type_url');
  }
  if (typeUrl !== '' && only !== undefined && typeUrl !== only) {
    throw new StreamRefusal('INVALID_ARGUMENT', `this service serves ${only}; the request is for ${typeUrl}`);
  }
  return only === undefined || typeUrl !== '' ? request : { ...request, typeUrl: only };
}

function decode(message: Uint8Array, wire: Wire): DiscoveryRequest {
  try {
    return wire === 'delta' ? decodeDeltaRequest(message) : decodeSotwRequest(message);
  } catch (error) {
    if (error instanceof MalformedMessage) throw new StreamRefusal('INVALID_ARGUMENT', error.message);
    if (error instanceof BeyondLimit) throw new StreamRefusal('RESOURCE_EXHAUSTED', error.message, 'limit');
    throw error;
  }
}

/** Messages that come while an earlier request of the stream is being prepared: they have to wait, since their order matters. */
export class WaitingMessages {
  /** Ends the preparation. */
  readonly cancel: () => void;
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;

  constructor(cancel: () => void) {
    this.cancel = cancel;
  }

  /** @throws StreamRefusal when more come than one message may have bytes */
  add(message: Uint8Array): void {
    this.#bytes += message.length;
    if (this.#bytes > largestMessage) {
      throw new StreamRefusal('RESOURCE_EXHAUSTED', 'too many requests came before the first was answered');
    }
    this.#messages.push(Uint8Array.from(message));
  }

  [Symbol.iterator](): Iterator<Uint8Array> {
    return this.#messages.values();
  }
}
