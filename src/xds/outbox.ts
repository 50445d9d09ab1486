import type { Flight } from './flight.ts';
import type { Wire } from './observer.ts';
import { Rejections } from './rejections.ts';
import type { SubscribedType } from './resource-types.ts';
import type { Resource } from './resources.ts';

/** What a subscription sees of the store: the resources of one type that one proxy may have. */
export interface View {
  /** The names that are included one by one. */
  readonly named: ReadonlySet<string>;
  /** Includes one name, whether it exists or not. Gives the one copy of the name's text that all streams share. */
  follow(name: string): string;
  unfollow(name: string): void;
  /** Includes everything that there is. */
  followAll(): void;
  unfollowAll(): void;
  /** What is included under the name now. */
  resource(name: string): Resource | undefined;
  /** The names that `followAll` includes. */
  names(): Iterable<string>;
  /** Everything that is included, each name once. */
  resources(): Iterable<Resource>;
  /** Version of what is included now. */
  version(): string;
}

export interface SelectOptions {
  /** Bytes of resources and removed names after which the rest goes into a further response. One resource may be larger. */
  readonly limit: number;
  /** Whether a name may be removed from the client that went away with the given commit. */
  readonly mayRemove: (sequence: number) => boolean;
}

/** The content of a response. */
export interface Selection {
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Those resources that are news to the client: what they refer to has to follow (xds-protocol X60). */
  readonly changed: readonly Resource[];
  /** Whether some of the names may be new to the client. */
  readonly introduces: boolean;
}

type Decision = 'send' | 'remove' | 'later' | 'nothing';

/** The version of what the client holds, where a rejected response leaves that open. No resource has it. */
export const unsure = '';

/**
 * What one client may have to hear of one type. There is no list of the versions that the client holds: it holds the current ones,
 * except of the names in here, so the outbox of a quiet stream is empty whatever the size of its view.
 */
export class Outbox {
  readonly #type: SubscribedType;
  readonly #view: View;
  /** Whether every response carries all that there is. */
  readonly #sendsWhole: boolean;
  /** Whether a response can say that a name does not exist. */
  readonly #saysRemoved: boolean;

  /** Names with the version that the client holds; undefined: it was not told of the name. */
  readonly #pending = new Map<string, string | undefined>();
  /**
   * Those of them that go even if nothing changed: `asked` by the client, which also hears that they do not exist (X31, X32), or
   * `forced` because what refers to them changed (X60).
   */
  readonly #reasons = new Map<string, 'asked' | 'forced'>();
  /** Those that are no longer there, with the commit with which they went. */
  readonly #departures = new Map<string, number>();
  /** What the client holds of pending names: a full state has to repeat it until it may go. Kept for those only. */
  readonly #heldContents: Map<string, Resource> | undefined;
  /** Made by the first NACK. */
  #rejections: Rejections | undefined;
  /** What is left of a flush that did not fit into one response. */
  #rest: Set<string> | undefined;

  constructor(type: SubscribedType, wire: Wire, view: View) {
    this.#type = type;
    this.#view = view;
    this.#sendsWhole = wire === 'sotw' && type.fullState;
    this.#heldContents = this.#sendsWhole ? new Map<string, Resource>() : undefined;
    this.#saysRemoved = wire === 'delta' || type.fullState;
  }

  get empty(): boolean {
    return this.#pending.size === 0 && this.#rejections?.hasRetries !== true;
  }

  /** Whether a flush is under way in several responses, which do not wait for each other's ACKs (hot-path H607). */
  get inParts(): boolean {
    return this.#rest !== undefined;
  }

  /** Whether the client refuses nothing, and no refusal has left anything open. */
  get unrefused(): boolean {
    return this.#rejections?.none !== false;
  }

  /** Whether something waits that the client may not have. */
  get introduces(): boolean {
    for (const [name, held] of this.#pending) {
      if ((held === undefined || held === unsure) && this.#view.resource(name) !== undefined) return true;
    }
    return false;
  }

  has(name: string): boolean {
    return this.#pending.has(name);
  }

  /** What the client holds under a name of which it need not hear. */
  heldVersion(name: string): string | undefined {
    return this.#rejections?.leavesOpen(name) === true ? unsure : this.#view.resource(name)?.version;
  }

  /** What the client holds is settled when the name becomes pending, and stays so until it is sent. */
  note(name: string, held: string | undefined): void {
    if (!this.#pending.has(name)) this.#pending.set(name, held);
  }

  ask(name: string, held: string | undefined): void {
    this.note(name, held);
    this.#reasons.set(name, 'asked');
  }

  force(name: string): void {
    this.note(name, this.heldVersion(name));
    if (!this.#reasons.has(name)) this.#reasons.set(name, 'forced');
  }

  /** The content under a name changed. @param previous what it was; undefined: nothing */
  change(name: string, previous: Resource | undefined, sequence: number): void {
    if (!this.#pending.has(name)) {
      const isUnsure = this.#rejections?.leavesOpen(name) === true;
      this.#pending.set(name, isUnsure ? unsure : previous?.version);
      this.#rejections?.overtake(name);
      if (previous !== undefined && !isUnsure) this.#heldContents?.set(name, previous);
    }
    if (this.#view.resource(name) !== undefined) this.#departures.delete(name);
    else this.#depart(name, sequence);
  }

  /** The client holds under a name what it should not. */
  takeBack(name: string, version: string, sequence: number): void {
    if (this.#pending.has(name)) return;
    if (!this.#type.removalIsSent) return this.ask(name, version);
    this.note(name, version);
    this.#depart(name, sequence);
  }

  forget(name: string): void {
    this.#done(name);
    this.#rejections?.forget(name);
    this.#rest?.delete(name);
  }

  forgetUnless(isWanted: (name: string) => boolean): void {
    for (const name of this.#pending.keys()) if (!isWanted(name)) this.forget(name);
    this.#rejections?.forgetUnless(isWanted);
  }

  accepted(flight: Flight): void {
    this.#rejections?.settle(flight, this.#sendsWhole);
  }

  /**
   * Takes in a NACK. Nothing is sent because of it but the parts of the response that were not at fault.
   *
   * @returns the names at fault; all of the response when the message names none
   */
  refused(flight: Flight, message: string, isWanted: (name: string) => boolean): readonly string[] {
    const removed = new Set(flight.removed);
    const concerns = (name: string): boolean => {
      if (!this.#pending.has(name)) return isWanted(name) || removed.has(name);
      // It changed meanwhile: the new content goes out, whatever the client holds.
      this.#pending.set(name, unsure);
      this.#heldContents?.delete(name);
      return false;
    };
    this.#rejections ??= new Rejections();
    return this.#rejections.note(flight, message, concerns, !this.#sendsWhole);
  }

  /** Version of what was just selected. Removals that wait are still in a full state, so that is not yet the view. */
  version(): string {
    const version = this.#view.version();
    return this.#sendsWhole && this.#departures.size > 0 ? `${version}+${this.#departures.size}` : version;
  }

  /**
   * Takes out what goes into the next response.
   *
   * @param answers whether a response is sent even if there is nothing to say
   * @returns undefined: a closer look has left nothing to send
   */
  select(options: SelectOptions, answers: boolean): Selection | undefined {
    if (this.#sendsWhole) return this.#selectWhole(options, answers);
    const selection = this.#selectPart(options);
    return answers || selection.resources.length > 0 || selection.removed.length > 0 ? selection : undefined;
  }

  #selectPart({ limit, mayRemove }: SelectOptions): Selection {
    const selection = emptySelection();
    const continues = this.#rest !== undefined;
    let bytes = 0;
    let cut = false;
    for (const name of this.#rest ?? this.#pending.keys()) {
      const resource = this.#view.resource(name);
      const decision = this.#decide(name, resource, mayRemove);
      if (decision === 'send' || decision === 'remove') {
        bytes += resource?.fragment.length ?? name.length;
        cut = bytes > limit && selection.resources.length + selection.removed.length > 0;
        if (cut) break;
      }
      if (decision === 'send' && resource !== undefined) add(selection, resource, this.#pending.get(name));
      else if (decision === 'remove') selection.removed.push(name);
      this.#rest?.delete(name);
      if (decision !== 'later') this.#done(name);
    }
    this.#rest = cut ? (this.#rest ?? new Set(this.#pending.keys())) : undefined;
    if (!continues && selection.resources.length === 0 && selection.removed.length === 0) this.#selectRetry(selection);
    return selection;
  }

  /** What a rejected response left open goes again only when nothing newer waits. */
  #selectRetry(selection: GrowingSelection): void {
    for (const name of this.#rejections?.takeRetry() ?? []) {
      const resource = this.#view.resource(name);
      if (resource !== undefined) add(selection, resource, unsure);
      else if (this.#type.removalIsSent) selection.removed.push(name);
    }
  }

  #selectWhole({ mayRemove }: SelectOptions, answers: boolean): Selection | undefined {
    const news = emptySelection();
    let effective = answers;
    for (const [name, held] of this.#pending) {
      const resource = this.#view.resource(name);
      const decision = this.#decide(name, resource, mayRemove);
      if (decision === 'later') continue;
      if (decision !== 'nothing') effective = true;
      if (decision === 'send' && resource !== undefined) add(news, resource, held);
      this.#done(name);
    }
    if (!effective) return undefined;
    const resources = [...this.#view.resources()];
    for (const name of this.#departures.keys()) {
      const held = this.#heldContents?.get(name);
      if (held !== undefined) resources.push(held);
    }
    return { ...news, resources };
  }

  #decide(name: string, resource: Resource | undefined, mayRemove: SelectOptions['mayRemove']): Decision {
    const held = this.#pending.get(name);
    const reason = this.#reasons.get(name);
    if (resource !== undefined) {
      if (reason === 'asked') return 'send';
      if (this.#rejections?.refuses(name, resource.version) === true) return 'nothing';
      return reason === 'forced' || resource.version !== held ? 'send' : 'nothing';
    }
    if (!this.#saysRemoved) return 'nothing';
    if (reason === 'asked') return 'remove';
    if (held === undefined || !this.#type.removalIsSent) return 'nothing';
    const sequence = this.#departures.get(name);
    return sequence === undefined || mayRemove(sequence) ? 'remove' : 'later';
  }

  #depart(name: string, sequence: number): void {
    if (this.#type.removalIsSent && !this.#departures.has(name)) this.#departures.set(name, sequence);
  }

  #done(name: string): void {
    this.#pending.delete(name);
    this.#reasons.delete(name);
    this.#departures.delete(name);
    this.#heldContents?.delete(name);
    this.#rejections?.overtake(name);
  }
}

interface GrowingSelection {
  readonly resources: Resource[];
  readonly removed: string[];
  readonly changed: Resource[];
  introduces: boolean;
}

function emptySelection(): GrowingSelection {
  return { resources: [], removed: [], changed: [], introduces: false };
}

function add(selection: GrowingSelection, resource: Resource, held: string | undefined): void {
  selection.resources.push(resource);
  if (resource.version !== held) selection.changed.push(resource);
  if (held === undefined || held === unsure) selection.introduces = true;
}
