import { aftermathOf } from './differ.ts';
import { namesOf, type Flight, type Held } from './flight.ts';
import type { Resource } from './resources.ts';

interface Refusal {
  /** What was refused; empty where it was a removal. */
  readonly version: string;
  readonly held: Held;
}

/**
 * What a client has refused of one type, and what its refusals left open. Refused content is in quarantine: it is not sent again,
 * and a full state carries in its place what the client accepted last (xds-protocol X102).
 */
export class Rejections {
  readonly #refused = new Map<string, Refusal>();
  /** Names of refused responses that were not at fault: the client may have applied or dropped them (X304). */
  readonly #open = new Map<string, Held>();
  /** How those are sent again: each group in a response of its own. */
  readonly #retries: (readonly string[])[] = [];

  get none(): boolean {
    return this.#refused.size === 0 && this.#open.size === 0;
  }

  get hasRetries(): boolean {
    return this.#retries.length > 0;
  }

  /** Names that go again because others in their response were refused. */
  openNames(): Iterable<string> {
    return this.#open.keys();
  }

  /** What the client holds under a name of a refused response, as far as is known; undefined: the name was in none. */
  held(name: string): Held | undefined {
    return this.#open.get(name) ?? this.#refused.get(name)?.held;
  }

  /** Whether the client refused just this: then it is not sent again (X49). */
  refuses(name: string, version: string): boolean {
    return this.#refused.get(name)?.version === version;
  }

  /**
   * What a full state carries for a resource; undefined: nothing. Where it is not known what the client holds, the resource itself
   * even if it was refused: leaving it out would delete what the client has.
   */
  offered(resource: Resource): Resource | undefined {
    const refusal = this.#refused.get(resource.name);
    const held = refusal?.version === resource.version ? refusal.held : this.#open.get(resource.name);
    if (held === undefined || held === 'unknown') return resource;
    return held === 'nothing' ? undefined : held;
  }

  /**
   * Takes in the NACK of a response that held what changed.
   *
   * @param concerns whether the name is still of interest and was not changed since it was sent
   * @returns the names at fault; all of the response when the message names none
   */
  notePart(flight: Flight, message: string, concerns: (name: string) => boolean): readonly string[] {
    const names = namesOf(flight);
    const { culprits, retries } = aftermathOf(message, names);
    this.#retry(retries, concerns, () => 'unknown');
    this.#refuse(culprits, flight, concerns, () => 'unknown');
    return culprits.length > 0 ? culprits : names;
  }

  /** Takes in the NACK of a full state; as `notePart`. */
  noteWhole(flight: Flight, message: string, concerns: (name: string) => boolean): readonly string[] {
    const { replaces, resources, removed } = flight;
    const again = resources.filter(({ name, version }) => this.refuses(name, version)).map(({ name }) => name);
    const names = [...new Set([...replaces.keys(), ...again])];
    // All of it was accepted before, so there is nothing to put in the place of anything.
    if (names.length === 0) return namesOf(flight);
    const { culprits, retries } = aftermathOf(message, names);
    const blamed = culprits.length > 0 ? culprits : names;
    const heldOf = (name: string): Held => replaces.get(name) ?? this.held(name) ?? 'unknown';
    // What cannot be replaced would go along with the others, and be refused with them.
    if (blamed.some((name) => heldOf(name) === 'unknown')) {
      this.#refuse(blamed, flight, concerns, () => 'unknown');
      return blamed;
    }
    this.#refuse(culprits, flight, concerns, heldOf);
    // Removals go along with everything, so what is left when the culprits are known has to be sent for them.
    this.#retry(removed.length > 0 ? [...retries, removed] : retries, concerns, heldOf);
    return blamed;
  }

  #refuse(
    names: readonly string[],
    { resources }: Flight,
    concerns: (name: string) => boolean,
    heldOf: (name: string) => Held,
  ): void {
    const versions = new Map(resources.map(({ name, version }) => [name, version]));
    for (const name of names) {
      if (concerns(name)) this.#refused.set(name, { version: versions.get(name) ?? '', held: heldOf(name) });
    }
  }

  #retry(
    groups: readonly (readonly string[])[],
    concerns: (name: string) => boolean,
    heldOf: (name: string) => Held,
  ): void {
    for (const name of groups.flat()) if (concerns(name)) this.#open.set(name, heldOf(name));
    this.#retries.push(...groups);
  }

  /** The client has accepted a response: what it holds, but for what only stands in for something refused. */
  settle({ resources, removed }: Flight): void {
    if (this.#refused.size === 0) return;
    for (const { name, version } of resources) {
      const held = this.#refused.get(name)?.held;
      if (typeof held !== 'object' || held.version !== version) this.#refused.delete(name);
    }
    for (const name of removed) this.#refused.delete(name);
  }

  /** The next names to send again in a response of their own, those that nothing else has sent since, with what is held of them. */
  takeRetry(): ReadonlyMap<string, Held> {
    for (let group = this.#retries.shift(); group !== undefined; group = this.#retries.shift()) {
      const names = new Map<string, Held>();
      for (const name of group) {
        const held = this.#open.get(name);
        if (held !== undefined) names.set(name, held);
        this.#open.delete(name);
      }
      if (names.size > 0) return names;
    }
    return new Map();
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
    for (const name of [...this.#refused.keys(), ...this.#open.keys()]) if (!isWanted(name)) this.forget(name);
  }
}
