import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { revisionOf } from './list.ts';
import { expired, invalid, tooLarge, type Refusal } from './refusal.ts';
import { apiVersionOf, presented, type ServedResource } from './resources.ts';
import type { Selects } from './selectors.ts';
import { stamped, type Store, type StoreEvent } from './store.ts';
import type { Json, StoredObject } from './stored-object.ts';

export interface WatchQuery {
  readonly resource: ServedResource;
  readonly version: string;
  readonly query: URLSearchParams;
  readonly selects: Selects;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: Json;
}

/** Where the lines of a watch go. */
export interface WatchOutlet {
  write(event: WatchEvent): void;
  end(): void;
}

export interface WatchTimes {
  readonly clock: TimedClock;
  /** Milliseconds between bookmarks. */
  readonly bookmarkMs: number;
}

/** @throws Refusal for parameters that do not go together */
export function checkWatch(store: Store, query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch');
  const initial = query.get('sendInitialEvents');
  const forbid = (why: string): never => {
    const cause = { reason: 'FieldValueForbidden', field: 'resourceVersionMatch', message: `Forbidden: ${why}` };
    throw invalid('ListOptions.meta.k8s.io', '', [cause]);
  };
  if (initial === null && match !== null) {
    forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (initial !== null && match !== 'NotOlderThan') {
    forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  const asked = revisionOf(query.get('resourceVersion') || '0');
  if (initial === 'true' && asked > store.revision) throw tooLarge(asked, store.revision);
}

/** One open watch. */
export class Watch {
  readonly resource: ServedResource;
  readonly #store: Store;
  readonly #version: string;
  readonly #query: URLSearchParams;
  readonly #selects: Selects;
  readonly #outlet: WatchOutlet;
  readonly #times: WatchTimes;
  readonly #cancels: (() => void)[] = [];
  #ended = false;

  constructor(store: Store, { resource, version, query, selects }: WatchQuery, outlet: WatchOutlet, times: WatchTimes) {
    this.resource = resource;
    this.#store = store;
    this.#version = version;
    this.#query = query;
    this.#selects = selects;
    this.#outlet = outlet;
    this.#times = times;
  }

  start(): void {
    const asked = revisionOf(this.#query.get('resourceVersion') || '0');
    const initial = this.#query.get('sendInitialEvents');
    if (initial === 'true' || (initial === null && asked === 0)) {
      this.#sendAll();
      if (initial === 'true' && this.#bookmarks) this.bookmark({ 'k8s.io/initial-events-end': 'true' });
    } else if (asked !== 0) {
      if (asked < this.#store.forgotten) {
        this.fail(expired(`too old resource version: ${asked} (${this.#store.forgotten})`));
        return;
      }
      for (const event of this.#store.since(this.resource, asked)) this.#hear(event);
    }
    this.#cancels.push(this.#store.listen((event) => this.#hear(event, asked)));
    this.#plan();
  }

  /** Sends a bookmark, if such were asked for. */
  bookmark(annotations?: Readonly<Record<string, string>>): void {
    if (!this.#bookmarks || this.#ended) return;
    const metadata = { resourceVersion: String(this.#store.revision), creationTimestamp: null, annotations };
    this.send('BOOKMARK', {
      kind: this.resource.kind,
      apiVersion: apiVersionOf(this.resource, this.#version),
      metadata,
    });
  }

  send(type: WatchEventType, object: Json): void {
    if (!this.#ended) this.#outlet.write({ type, object });
  }

  /** The server's last word. */
  fail(refusal: Refusal): void {
    this.send('ERROR', refusal.status());
    this.end();
  }

  /** Ends the answer, as the server does when the time is up. */
  end(): void {
    if (this.#ended) return;
    this.stop();
    this.#outlet.end();
  }

  /** Nobody listens any more. */
  stop(): void {
    this.#ended = true;
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  get #bookmarks(): boolean {
    return ['true', '1'].includes(this.#query.get('allowWatchBookmarks') ?? '');
  }

  #sendAll(): void {
    for (const object of this.#store.list(this.resource)) {
      if (this.#selects(object)) this.#present('ADDED', object);
    }
  }

  /** To who selects, an object that begins to be selected is new, and one that ceases to be is gone. */
  #hear({ resource, revision, object, previous }: StoreEvent, after = 0): void {
    if (resource.id !== this.resource.id || revision <= after) return;
    const now = object !== undefined && this.#selects(object);
    const before = previous !== undefined && this.#selects(previous);
    if (now) this.#present(before ? 'MODIFIED' : 'ADDED', object);
    else if (before) this.#present('DELETED', stamped(previous, revision));
  }

  #present(type: WatchEventType, object: StoredObject): void {
    this.send(type, presented(this.resource, this.#version, object));
  }

  #plan(): void {
    const { clock, bookmarkMs } = this.#times;
    let cancelNext = (): void => undefined;
    const wait = (): void => {
      cancelNext = clock.after(bookmarkMs, () => {
        this.bookmark();
        wait();
      });
    };
    wait();
    this.#cancels.push(() => cancelNext());
    // Without a timeout the real server ends a watch after 30 to 60 minutes (K27).
    const seconds = Number(this.#query.get('timeoutSeconds') ?? 1_800);
    this.#cancels.push(clock.after(seconds * 1_000, () => this.end()));
    // Shortly before, a last bookmark, so that the next watch starts from there.
    if (seconds > 2) this.#cancels.push(clock.after((seconds - 2) * 1_000, () => this.bookmark()));
  }
}
