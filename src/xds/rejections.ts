import { aftermathOf } from './differ.ts';
import { namesOf, type Flight } from './flight.ts';

/** What a client has refused of one type, and what its refusals left open. */
export class Rejections {
  /** Last refused version of a name at fault; empty where its removal was refused. */
  readonly #refused = new Map<string, string>();
  /** Names of refused responses that were not at fault: the client may have applied or dropped them (xds-protocol X304). */
  readonly #open = new Set<string>();
  /** How those are sent again: each group in a response of its own. */
  readonly #retries: (readonly string[])[] = [];

  get none(): boolean {
    return this.#refused.size === 0 && this.#open.size === 0;
  }

  get hasRetries(): boolean {
    return this.#retries.length > 0;
  }

  /** Whether it is not known which version of the name the client holds. */
  leavesOpen(name: string): boolean {
    return this.#refused.has(name) || this.#open.has(name);
  }

  /** Whether the client refused just this: then it is not sent again (X49). */
  refuses(name: string, version: string): boolean {
    return this.#refused.get(name) === version;
  }

  /**
   * Takes in a NACK.
   *
   * @param concerns whether the name is still of interest and was not changed since it was sent
   * @param divisible whether the response can be sent again in parts; a full state cannot, and waits for new content
   * @returns the names at fault; all of the response when the message names none
   */
  note(flight: Flight, message: string, concerns: (name: string) => boolean, divisible: boolean): readonly string[] {
    const names = namesOf(flight);
    const { culprits, retries } = aftermathOf(message, names);
    const blamed = culprits.length > 0 ? culprits : names;
    if (divisible) {
      for (const name of retries.flat()) if (concerns(name)) this.#open.add(name);
      this.#retries.push(...retries);
    }
    const versions = new Map(flight.resources.map(({ name, version }) => [name, version]));
    for (const name of divisible ? culprits : blamed) {
      if (concerns(name)) this.#refused.set(name, versions.get(name) ?? '');
    }
    return blamed;
  }

  /** The client has accepted a response. @param isWhole whether there is nothing beside it */
  settle(flight: Flight, isWhole: boolean): void {
    if (isWhole) this.#refused.clear();
    if (this.#refused.size === 0) return;
    for (const name of namesOf(flight)) this.#refused.delete(name);
  }

  /** The next names to send again in a response of their own: those that nothing else has sent since. */
  takeRetry(): readonly string[] {
    for (let group = this.#retries.shift(); group !== undefined; group = this.#retries.shift()) {
      const names = group.filter((name) => this.#open.delete(name));
      if (names.length > 0) return names;
    }
    return [];
  }

  /** The name is about to be sent for another reason. */
  overtake(name: string): void {
    this.#open.delete(name);
  }

  forget(name: string): void {
    this.#refused.delete(name);
    this.#open.delete(name);
  }

  /** Forgets the names of which the client no longer wants to hear. */
  forgetUnless(isWanted: (name: string) => boolean): void {
    for (const name of [...this.#refused.keys(), ...this.#open]) if (!isWanted(name)) this.forget(name);
  }
}
