import type { ConnectionEnd, ProtocolOptions } from './protocol.ts';

/** Milliseconds that a client has to read the end of its streams when a connection is ended for its age. */
const lastWords = 1_000;

/** A connection, as far as its end goes. */
export interface Mortal {
  readonly address: string;
  /** Asks the client for a sign of life. */
  ping(answered: () => void): void;
  /** Whether anything came from the client since this was asked last, or lies unread: it lives, whatever it answers. */
  heard(): boolean;
  /** Tells the client to open no more streams here. */
  leave(): void;
  /** The same, and ends the streams that there are. */
  close(reason: string): void;
  /** At once. */
  cut(): void;
}

/** How long a connection lives: as long as its client does, and no longer than it may (xds-protocol X12, hot-path H1007). */
export class Lifetime {
  readonly #mortal: Mortal;
  readonly #options: ProtocolOptions;
  #isOver = false;
  #cancelKeepalive: () => void = () => undefined;
  #cancelAge: () => void = () => undefined;

  constructor(mortal: Mortal, options: ProtocolOptions) {
    this.#mortal = mortal;
    this.#options = options;
    this.#keepAlive();
    this.#grow();
  }

  /** The connection is closed. */
  end(): void {
    this.#isOver = true;
    this.#cancelKeepalive();
    this.#cancelAge();
  }

  /** A client that is gone without a word is found by asking. */
  #keepAlive(): void {
    const { clock, limits } = this.#options;
    this.#cancelKeepalive = clock.after(limits.keepaliveInterval, () => {
      this.#mortal.heard();
      this.#await();
      this.#mortal.ping(() => {
        this.#cancelKeepalive();
        if (!this.#isOver) this.#keepAlive();
      });
    });
  }

  /** While many clients say much, an answer may lie unread for longer than it may take. */
  #await(): void {
    const { clock, limits } = this.#options;
    this.#cancelKeepalive = clock.after(limits.keepaliveTimeout, () => {
      if (this.#mortal.heard()) return this.#await();
      this.#told('keepalive');
      this.#mortal.cut();
    });
  }

  #grow(): void {
    const { clock, limits, random } = this.#options;
    if (limits.age === undefined) return;
    this.#cancelAge = clock.after(limits.age * (0.9 + random() / 5), () => {
      this.#told('age');
      this.#mortal.leave();
      this.#cancelAge = clock.after(limits.ageGrace, () => {
        this.#mortal.close('the connection has reached its greatest age');
        this.#cancelAge = clock.after(lastWords, () => this.#mortal.cut());
      });
    });
  }

  #told(cause: ConnectionEnd): void {
    this.#options.observer.ended(cause, this.#mortal.address);
  }
}
