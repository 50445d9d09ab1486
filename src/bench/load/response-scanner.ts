/**
 * Reads discovery responses as they come in, in pieces of any size, and keeps nothing of them: counts, the nonce and the type for
 * the ACK (hot-path H1306). The field numbers are the same in both forms of responses (H303).
 */

const fields = { resources: 2, typeUrl: 4, nonce: 5, removed: 6 } as const;

type Stage = 'prefix' | 'tag' | 'length' | 'value';

/** Longer names of types and longer nonces are not known. */
const longestText = 120;

export class ResponseScanner {
  /** Of the message that has just ended; another message overwrites them. */
  readonly typeUrl = new ShortBytes();
  readonly nonce = new ShortBytes();
  resources = 0;
  removed = 0;
  /** Without gRPC's five bytes. */
  bytes = 0;

  readonly #onMessage: () => void;
  #stage: Stage = 'prefix';
  #prefixRead = 0;
  #messageLeft = 0;
  #number = 0;
  #scale = 1;
  #field = 0;
  #valueLeft = 0;

  constructor(onMessage: () => void) {
    this.#onMessage = onMessage;
  }

  /** @throws on what is no discovery response, or a compressed one */
  feed(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#stage === 'value') at += this.#takeValue(bytes, at, end);
      else this.#takeByte(bytes[at++] ?? 0);
    }
  }

  #takeByte(byte: number): void {
    if (this.#stage === 'prefix') return this.#takePrefix(byte);
    this.#messageLeft--;
    this.#number += (byte & 127) * this.#scale;
    this.#scale *= 128;
    if (byte > 127) return;
    const number = this.#number;
    this.#number = 0;
    this.#scale = 1;
    if (this.#stage === 'tag') {
      if (number % 8 !== 2) throw new Error(`no discovery response: a field of form ${number % 8}`);
      this.#field = Math.floor(number / 8);
      this.#stage = 'length';
    } else {
      this.#valueLeft = number;
      this.#stage = 'value';
      this.#beginField();
      if (number === 0) this.#endField();
    }
  }

  #takePrefix(byte: number): void {
    if (this.#prefixRead === 0) {
      if (byte !== 0) throw new Error('a compressed message');
      this.#messageLeft = 0;
    } else this.#messageLeft = this.#messageLeft * 256 + byte;
    if (++this.#prefixRead < 5) return;
    this.#prefixRead = 0;
    this.bytes = this.#messageLeft;
    this.resources = this.removed = this.typeUrl.length = this.nonce.length = 0;
    this.#stage = 'tag';
    this.#endIfComplete();
  }

  #takeValue(bytes: Uint8Array, at: number, end: number): number {
    const taken = Math.min(this.#valueLeft, end - at);
    if (this.#field === fields.nonce) this.nonce.append(bytes, at, at + taken);
    else if (this.#field === fields.typeUrl) this.typeUrl.append(bytes, at, at + taken);
    this.#valueLeft -= taken;
    this.#messageLeft -= taken;
    if (this.#valueLeft === 0) this.#endField();
    return taken;
  }

  #beginField(): void {
    if (this.#field === fields.resources) this.resources++;
    else if (this.#field === fields.removed) this.removed++;
  }

  #endField(): void {
    this.#stage = 'tag';
    this.#endIfComplete();
  }

  #endIfComplete(): void {
    if (this.#messageLeft > 0) return;
    this.#stage = 'prefix';
    this.#onMessage();
  }
}

/** A few bytes in memory that is used again and again. */
class ShortBytes {
  readonly bytes = Buffer.alloc(longestText);
  length = 0;

  append(source: Uint8Array, start: number, end: number): void {
    if (this.length + end - start > longestText) throw new Error('a nonce or a type that is too long');
    for (let at = start; at < end; at++) this.bytes[this.length++] = source[at] ?? 0;
  }
}
