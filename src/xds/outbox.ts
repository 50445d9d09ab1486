import type { Names } from './differ.ts';
import type { Flight, Held, Publication } from './flight.ts';
import type { Wire } from './observer.ts';
import { Rejections } from './rejections.ts';
import type { SubscribedType } from './resource-types.ts';
import type { Resource } from './resources.ts';
import { add, emptySelection, unsure, versionOfAll, type GrowingSelection, type Selection } from './selection.ts';

/** What a subscription sees of the store: the resources of one type that one proxy may have. */
export interface View {
  /** The names that are included one by one. */
  readonly named: Names;
  /** Includes one name, whether it exists or not. Gives the one copy of the name's text that all streams share. */
  follow(name: string): string;
  unfollow(name: string): void;
  /** Includes everything that there is. */
  followAll(): void;
  unfollowAll(): void;
  /** What is included under the name now. */
  resource(name: string): Resource | undefined;
  /** Whether it is not known yet what is included under the name: then nothing is said of it, not even that it does not exist. */
  awaits(name: string): boolean;
  /** The names that `followAll` includes. */
  names(): Iterable<string>;
  /** Everything that is included, each name once. */
  resources(): Iterable<Resource>;
  /** Version of what is included now. */
  version(): string;
}

/** That a resource went away. */
export interface Departure {
  /** Sequence of the commit with which it went. */
  readonly sequence: number;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

export interface SelectOptions {
  /** Bytes of resources and removed names after which the rest goes into a further response. One resource may be larger. */
  readonly limit: number;
  /** Whether the client has what a resource refers to; else the resource waits. */
  readonly mayAdd: (resource: Resource) => boolean;
  /** Whether a name may be removed from the client that went away then. */
  readonly mayRemove: (departure: Departure) => boolean;
}

/** Why a client may have to hear of a name. Immutable, so that most names share one. */
interface Due {
  /** Version that the client holds; undefined: it was not told of the name. */
  readonly held: string | undefined;
  /**
   * Why the name goes even if nothing changed: `asked` by the client, which also hears that it does not exist (X31, X32), or
   * `forced` because what refers to it changed (X60).
   */
  readonly reason: 'asked' | 'forced' | undefined;
}

/** A first request may be thousands of these. */
const askedAnew: Due = { held: undefined, reason: 'asked' };

type Decision = 'send' | 'remove' | 'later' | 'nothing';

/**
 * What one client may have to hear of one type. There is no list of the versions that the client holds: it holds the current ones,
 * except of the names in here, so the outbox of a quiet stream is empty whatever the size of its view.
 */
export class Outbox {
  readonly #type: SubscribedType;
  readonly #view: View;
  /** Whether every response carries all that there is. */
  readonly sendsWhole: boolean;
  /** Whether a response can say that a name does not exist. */
  readonly #saysRemoved: boolean;

  readonly #pending = new Map<string, Due>();
  /** Those that are no longer there, in the order in which they went. */
  readonly #departures = new Map<string, Departure>();
  /** What the client accepted last of pending names: a full state may have to repeat it. Kept for those only. */
  readonly #heldContents: Map<string, Resource> | undefined;
  /** Made by the first NACK. */
  #rejections: Rejections | undefined;
  /** What is left of a flush that did not fit into one response. */
  #rest: readonly string[] | undefined;
  /** Whether something was left out of the last flush because what it refers to has to go first. */
  #isHeldUp = false;

  constructor(type: SubscribedType, wire: Wire, view: View) {
    this.#type = type;
    this.#view = view;
    this.sendsWhole = wire === 'sotw' && type.fullState;
    this.#heldContents = this.sendsWhole ? new Map<string, Resource>() : undefined;
    this.#saysRemoved = wire === 'delta' || type.fullState;
  }

  /** Whether there is something that the client should have and may not have; what it should no longer have is no lack. */
  get lacks(): boolean {
    return this.#pending.size > this.#departures.size || this.#rejections?.hasRetries === true;
  }

  get empty(): boolean {
    return this.#pending.size === 0 && this.#rejections?.hasRetries !== true;
  }

  /** Whether the last flush has told the client everything that there was to tell. */
  get isFlushed(): boolean {
    return this.#rest === undefined && !this.#isHeldUp;
  }

  /** Whether a flush is under way in several responses, which do not wait for each other's ACKs (hot-path H607). */
  get inParts(): boolean {
    return this.#rest !== undefined;
  }

  /** Whether the client refuses nothing, and no refusal has left anything open. */
  get unrefused(): boolean {
    return this.#rejections?.none !== false;
  }

  /** Names that wait to be sent and that the client may not have. */
  *newNames(): Iterable<string> {
    for (const [name, { held }] of this.#pending) {
      const resource = held === undefined || held === unsure ? this.#view.resource(name) : undefined;
      if (resource !== undefined && this.#rejections?.refuses(name, resource.version) !== true) yield name;
    }
    yield* this.#rejections?.openNames() ?? [];
  }

  /** The removal that has waited longest. */
  get oldestDeparture(): Departure | undefined {
    for (const departure of this.#departures.values()) return departure;
    return undefined;
  }

  /** `due`: the client has to hear of the name. `refused`: of what it stands for it does not want to. */
  state(name: string): 'told' | 'due' | 'refused' {
    const version = this.#view.resource(name)?.version;
    if (version !== undefined && this.#rejections?.refuses(name, version) === true) return 'refused';
    return this.#pending.has(name) || this.#rejections?.held(name) !== undefined ? 'due' : 'told';
  }

  /** What the client holds under a name of which it need not hear. */
  heldVersion(name: string): string | undefined {
    return this.#rejections?.held(name) !== undefined ? unsure : this.#view.resource(name)?.version;
  }

  /** What the client holds is settled when the name becomes pending, and stays so until it is sent. */
  note(name: string, held: string | undefined): void {
    if (!this.#pending.has(name)) this.#pending.set(name, { held, reason: undefined });
  }

  ask(name: string, held: string | undefined): void {
    const due = this.#pending.get(name);
    const settled = due === undefined ? held : due.held;
    this.#pending.set(name, settled === undefined ? askedAnew : { held: settled, reason: 'asked' });
  }

  force(name: string): void {
    const due = this.#pending.get(name) ?? { held: this.heldVersion(name), reason: undefined };
    this.#pending.set(name, due.reason === undefined ? { held: due.held, reason: 'forced' } : due);
  }

  /**
   * The content under a name changed.
   *
   * @param previous what it was; undefined: nothing
   */
  change(name: string, previous: Resource | undefined, { sequence, committedAt }: Publication): void {
    if (!this.#pending.has(name)) {
      const refused = this.#rejections?.held(name);
      this.#pending.set(name, { held: refused === undefined ? previous?.version : unsure, reason: undefined });
      this.#rejections?.overtake(name);
      this.#keepHeld(name, refused ?? previous);
    }
    if (this.#view.resource(name) !== undefined) this.#departures.delete(name);
    else this.#depart(name, { sequence, at: committedAt });
  }

  /** The client holds under a name what it should not. */
  takeBack(name: string, version: string, departure: Departure): void {
    if (this.#pending.has(name)) return;
    if (!this.#type.removalIsSent) return this.ask(name, version);
    this.note(name, version);
    this.#depart(name, departure);
  }

  forget(name: string): void {
    this.#done(name);
    this.#rejections?.forget(name);
  }

  forgetUnless(isWanted: (name: string) => boolean): void {
    for (const name of this.#pending.keys()) if (!isWanted(name)) this.forget(name);
    this.#rejections?.forgetUnless(isWanted);
  }

  accepted(flight: Flight): void {
    this.#rejections?.settle(flight);
    if (flight.replaces.size === 0 || this.#pending.size === 0) return;
    for (const resource of flight.resources) {
      if (flight.replaces.has(resource.name) && this.#pending.has(resource.name))
        this.#keepHeld(resource.name, resource);
    }
  }

  /**
   * Takes in a NACK. Nothing is sent because of it but what was not at fault, which the client may have dropped.
   *
   * @returns the names at fault; all of the response when the message names none
   */
  refused(flight: Flight, message: string, isWanted: (name: string) => boolean): readonly string[] {
    const removed = new Set(flight.removed);
    const versions = new Map(flight.resources.map(({ name, version }) => [name, version]));
    const concerns = (name: string): boolean => {
      const due = this.#pending.get(name);
      // Sent anew since: the answer to that will tell.
      if (due === undefined && this.#view.resource(name)?.version !== versions.get(name)) return false;
      if (due === undefined) return isWanted(name) || removed.has(name);
      // It changed meanwhile: the new content goes out, whatever the client holds.
      this.#pending.set(name, { held: unsure, reason: due.reason });
      this.#heldContents?.delete(name);
      this.#keepHeld(name, flight.replaces.get(name));
      return false;
    };
    this.#rejections ??= new Rejections();
    if (this.sendsWhole) return this.#rejections.noteWhole(flight, message, concerns);
    return this.#rejections.notePart(flight, message, concerns);
  }

  #keepHeld(name: string, held: Held | undefined): void {
    if (typeof held === 'object') this.#heldContents?.set(name, held);
  }

  /**
   * Takes out what goes into the next response.
   *
   * @param answers whether a response is sent even if there is nothing to say
   * @returns undefined: a closer look has left nothing to send
   */
  select(options: SelectOptions, answers: boolean): Selection | undefined {
    if (this.sendsWhole) return this.#selectWhole(options, answers);
    const selection = this.#selectPart(options);
    const isEmpty = selection.resources.length === 0 && selection.removed.length === 0;
    // An answer without what waits would tell the client that there is nothing.
    if (isEmpty && (!answers || this.#isHeldUp)) return undefined;
    selection.version = this.#view.version();
    return selection;
  }

  #selectPart(options: SelectOptions): GrowingSelection {
    const selection = emptySelection();
    const continues = this.#rest !== undefined;
    this.#isHeldUp &&= continues;
    const names = this.#rest ?? [...this.#pending.keys()];
    this.#rest = undefined;
    let bytes = 0;
    for (const [index, name] of names.entries()) {
      const due = this.#pending.get(name);
      // The client no longer wants it.
      if (due === undefined) continue;
      const resource = this.#view.resource(name);
      const decision = this.#decide(name, due, resource, options);
      if (decision === 'send' || decision === 'remove') {
        bytes += resource?.bytes ?? name.length;
        if (bytes > options.limit && selection.resources.length + selection.removed.length > 0) {
          this.#rest = names.slice(index);
          break;
        }
      }
      if (decision === 'send' && resource !== undefined) add(selection, resource, due.held, undefined);
      else if (decision === 'remove') this.#sayAbsent(name, due, selection);
      // It is gone and nobody says so: there is nothing left to refuse.
      if (decision === 'nothing' && resource === undefined) this.#rejections?.forget(name);
      if (decision !== 'later') this.#done(name);
      else if (resource !== undefined) this.#isHeldUp = true;
    }
    if (!continues && selection.resources.length === 0 && selection.removed.length === 0) this.#selectRetry(selection);
    return selection;
  }

  #sayAbsent(name: string, { held }: Due, { resources, removed }: GrowingSelection): void {
    const { absence } = this.#type;
    // What the client holds goes by its removal alone.
    if (absence === undefined || held !== undefined) removed.push(name);
    else resources.push(absence(name));
  }

  /** What a rejected response left open goes again only when nothing newer waits. Gives whether there is something. */
  #selectRetry(selection: GrowingSelection): boolean {
    const { resources, removed } = selection;
    // What a group held may be gone meanwhile, and then nothing would come back for the groups behind it.
    while (resources.length + removed.length === 0 && this.#rejections?.hasRetries === true) {
      for (const [name, held] of this.#rejections.takeRetry()) {
        const resource = this.#view.resource(name);
        if (resource !== undefined) add(selection, resource, unsure, this.sendsWhole ? held : undefined);
        else if (this.#type.removalIsSent) removed.push(name);
      }
    }
    return resources.length + removed.length > 0;
  }

  #selectWhole(options: SelectOptions, answers: boolean): Selection | undefined {
    if (this.#mustWait(options)) return undefined;
    const news = emptySelection();
    let effective = answers;
    for (const [name, due] of this.#pending) {
      const resource = this.#view.resource(name);
      const decision = this.#decide(name, due, resource, options);
      if (decision === 'later') continue;
      if (decision !== 'nothing') effective = true;
      const before = this.#heldBefore(name, due);
      // It is again what the client accepted last: it stands for itself and no longer for what was refused.
      if (typeof before === 'object' && before.version === resource?.version) this.#rejections?.forget(name);
      this.#done(name);
      if (decision === 'remove') news.removed.push(name);
      if (decision !== 'send' || resource === undefined || this.#offered(resource) !== resource) continue;
      add(news, resource, due.held, before);
    }
    if (!effective && !this.#selectRetry(news)) return undefined;
    return { ...news, ...this.#wholeState() };
  }

  /** Whether a full state has to wait, since one of its resources has to. */
  #mustWait(options: SelectOptions): boolean {
    for (const [name, due] of this.#pending) {
      const resource = this.#view.resource(name);
      if (resource !== undefined && this.#decide(name, due, resource, options) === 'later') return true;
    }
    return false;
  }

  /** Everything that there is, with what the client accepted last where it refuses the newest or must keep what goes. */
  #wholeState(): Pick<Selection, 'version' | 'resources'> {
    const resources: Resource[] = [];
    let isView = this.#departures.size === 0;
    for (const resource of this.#view.resources()) {
      const offered = this.#offered(resource);
      if (offered !== resource) isView = false;
      if (offered !== undefined) resources.push(offered);
    }
    for (const name of this.#departures.keys()) {
      const held = this.#heldContents?.get(name);
      if (held !== undefined) resources.push(held);
    }
    return { resources, version: isView ? this.#view.version() : versionOfAll(resources) };
  }

  #offered(resource: Resource): Resource | undefined {
    return this.#rejections === undefined ? resource : this.#rejections.offered(resource);
  }

  /** What the client holds under a pending name. */
  #heldBefore(name: string, due: Due): Held {
    const held = this.#heldContents?.get(name) ?? this.#rejections?.held(name);
    return held ?? (due.held === undefined ? 'nothing' : 'unknown');
  }

  #decide(
    name: string,
    { held, reason }: Due,
    resource: Resource | undefined,
    { mayAdd, mayRemove }: SelectOptions,
  ): Decision {
    if (resource !== undefined) {
      if (reason !== 'asked') {
        if (this.#rejections?.refuses(name, resource.version) === true) return 'nothing';
        if (reason === undefined && resource.version === held) return 'nothing';
      }
      return mayAdd(resource) ? 'send' : 'later';
    }
    if (this.#view.awaits(name)) return 'later';
    if (!this.#saysRemoved) return 'nothing';
    if (reason === 'asked') return 'remove';
    if (held === undefined || !this.#type.removalIsSent) return 'nothing';
    const departure = this.#departures.get(name);
    return departure === undefined || mayRemove(departure) ? 'remove' : 'later';
  }

  #depart(name: string, departure: Departure): void {
    if (this.#type.removalIsSent && !this.#departures.has(name)) this.#departures.set(name, departure);
  }

  #done(name: string): void {
    this.#pending.delete(name);
    this.#departures.delete(name);
    this.#heldContents?.delete(name);
    this.#rejections?.overtake(name);
  }
}
