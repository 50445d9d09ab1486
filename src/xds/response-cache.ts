import type { Clock } from './clock.ts';
import { encodeHead, responseConstants, type ResponseConstants } from './envelope.ts';
import { entryOf } from './expiry.ts';
import type { Wire } from './observer.ts';
import type { Resource } from './resources.ts';
import { spareBytes } from './transport/transport.ts';
import { joinParts } from './wire.ts';

/** What a response says. */
export interface ResponseContent {
  /** Empty: not said. */
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Whether it only says that its resources are still what they were (xds-protocol X72). */
  readonly isHeartbeat: boolean;
}

/** A response as bytes, for all streams that are sent the same. */
export interface EncodedResponse {
  /** Where it stands among all responses of the process. */
  readonly number: number;
  readonly nonce: string;
  /** As `StreamTransport.send` takes them. */
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

interface Remembered extends EncodedResponse {
  readonly content: ResponseContent;
  readonly takesExpiry: boolean;
  parts: readonly Uint8Array[];
}

/** Bytes of responses of one type that are remembered before the older half is forgotten. */
const mostBytes = 16 * 1024 * 1024;
/** Pieces from which on a response is joined even if nobody shares it: each costs time in the transport (hot-path H315). */
const mostParts = 64;
/** Length from which on a response is not joined: a copy costs more than its pieces do. Only a single large resource is so long. */
const leastScattered = 1024 * 1024;
/** Milliseconds after which a response that nobody was sent is forgotten, at least; at most twice that. */
const forgetAfter = 1_000;
/** Types whose responses are shared: clients may make up types without end. */
const mostTypes = 100;

/**
 * Responses that streams share, nonce and all: a nonce need only be new on its stream (hot-path H313, xds-protocol X42). Whether a
 * change goes to a thousand streams or a thousand clients ask for everything at once (H904), the bytes are put together once.
 */
export class ResponseCache {
  readonly #clock: Clock;
  readonly #identifier: string;
  readonly #types = { delta: new Map<string, TypedResponses>(), sotw: new Map<string, TypedResponses>() };
  #numbers = 0;
  #cancelForgetting: (() => void) | undefined;

  constructor(clock: Clock, identifier: string) {
    this.#clock = clock;
    this.#identifier = identifier;
  }

  /** Responses that are remembered, and their bytes. */
  get size(): { readonly responses: number; readonly bytes: number } {
    const sizes = this.#all().map((type) => type.size);
    return {
      responses: sizes.reduce((sum, { responses }) => sum + responses, 0),
      bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** The responses of one type on one wire. */
  of(wire: Wire, typeUrl: string): TypedResponses {
    const types = this.#types[wire];
    let type = types.get(typeUrl);
    if (type !== undefined) return type;
    type = new TypedResponses(responseConstants(wire, typeUrl, this.#identifier), () => this.#nextNumber());
    if (types.size < mostTypes) types.set(typeUrl, type);
    return type;
  }

  /** Forgets everything. */
  close(): void {
    this.#cancelForgetting?.();
    for (const types of Object.values(this.#types)) types.clear();
  }

  #all(): readonly TypedResponses[] {
    return [...this.#types.delta.values(), ...this.#types.sotw.values()];
  }

  #nextNumber(): number {
    this.#cancelForgetting ??= this.#clock.after(forgetAfter, () => this.#forget());
    return ++this.#numbers;
  }

  #forget(): void {
    this.#cancelForgetting = undefined;
    for (const type of this.#all()) type.forgetUnused();
    if (this.size.responses > 0) this.#cancelForgetting = this.#clock.after(forgetAfter, () => this.#forget());
  }
}

/** Responses of one type on one wire, by their first resource or else their first removed name. */
export class TypedResponses {
  readonly #constants: ResponseConstants;
  readonly #nextNumber: () => number;
  /** Used since the last time that something was forgotten. */
  #used = new Map<Resource | string, Remembered>();
  /** Not used since: next to be forgotten. */
  #unused = new Map<Resource | string, Remembered>();
  #usedBytes = 0;

  constructor(constants: ResponseConstants, nextNumber: () => number) {
    this.#constants = constants;
    this.#nextNumber = nextNumber;
  }

  get size(): { readonly responses: number; readonly bytes: number } {
    let bytes = this.#usedBytes;
    for (const response of this.#unused.values()) bytes += response.bytes;
    return { responses: this.#used.size + this.#unused.size, bytes };
  }

  /**
   * The response with this content.
   *
   * @param takesExpiry whether the client understands that resources expire
   * @param newerThan number of the last response on the stream: one that is not newer may have been sent there already
   */
  encode(content: ResponseContent, takesExpiry: boolean, newerThan: number): EncodedResponse {
    const key = content.resources[0] ?? content.removed[0] ?? '';
    const used = this.#used.get(key);
    const known = used ?? this.#unused.get(key);
    if (known === undefined || known.number <= newerThan || !fits(known, content, takesExpiry)) {
      return this.#remember(key, this.#build(content, takesExpiry), used);
    }
    if (known.parts.length > 1 && known.bytes < leastScattered) known.parts = [joinParts(known.parts)];
    if (used === undefined) {
      this.#unused.delete(key);
      this.#remember(key, known, undefined);
    }
    return known;
  }

  /** The response with this content, for one stream alone: it is kept nowhere. Takes what `encode` takes. */
  encodeAlone(content: ResponseContent, takesExpiry: boolean): EncodedResponse {
    return this.#build(content, takesExpiry);
  }

  forgetUnused(): void {
    this.#unused = this.#used;
    this.#used = new Map();
    this.#usedBytes = 0;
  }

  #remember(key: Resource | string, response: Remembered, instead: Remembered | undefined): EncodedResponse {
    this.#unused.delete(key);
    this.#used.set(key, response);
    this.#usedBytes += response.bytes - (instead?.bytes ?? 0);
    if (this.#usedBytes > mostBytes) this.forgetUnused();
    return response;
  }

  #build(content: ResponseContent, takesExpiry: boolean): Remembered {
    const number = this.#nextNumber();
    const nonce = number.toString(36);
    const { version, resources, removed } = content;
    const parts = [encodeHead(this.#constants, { version, nonce, removed })];
    for (const resource of resources) parts.push(...entryOf(this.#constants.wire, resource, content, takesExpiry));
    const bytes = parts.reduce((sum, part) => sum + part.length, -spareBytes);
    const isJoined = parts.length > mostParts && bytes < leastScattered;
    return { number, nonce, content, takesExpiry, parts: isJoined ? [joinParts(parts)] : parts, bytes };
  }
}

function fits({ content, takesExpiry }: Remembered, wanted: ResponseContent, wantsExpiry: boolean): boolean {
  return (
    content.version === wanted.version &&
    content.isHeartbeat === wanted.isHeartbeat &&
    isSameList(content.resources, wanted.resources) &&
    isSameList(content.removed, wanted.removed) &&
    (takesExpiry === wantsExpiry || content.resources.every(({ ttl }) => ttl === undefined))
  );
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
