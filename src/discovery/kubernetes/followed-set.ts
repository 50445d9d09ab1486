import { titleOf, type FollowedState } from './followed-state.ts';
import type { Reflect } from './reflect.ts';
import type {
  ApiResource,
  Change,
  RawObject,
  Reflected,
  ReflectedSelection,
  ReflectorHandler,
  ReflectorHealth,
} from './reflector/reflected.ts';
import { Tasks } from './tasks.ts';

/** What is to be followed, and who hears of it. */
export interface Followed<Kept extends Reflected> {
  /** As in `SourceKind`. */
  readonly kind: string;
  readonly resource: ApiResource;
  readonly selection: ReflectedSelection;
  readonly trim: (object: RawObject) => Kept;
  /** As in `ReflectorHandler`. */
  readonly changed: (changes: readonly Change<Kept>[], at: number) => void;
  readonly synced: () => void;
}

/** Everything that is followed on one API server, each kind and namespace by itself, and how it goes. */
export class FollowedSet {
  private readonly reflect: Reflect;
  private readonly onState: () => void;
  private readonly tasks = new Tasks<string>();
  private readonly known = new Map<string, FollowedState>();

  /** @param onState called whenever a state has changed */
  constructor(reflect: Reflect, onState: () => void) {
    this.reflect = reflect;
    this.onState = onState;
  }

  /** In the order in which they were begun. */
  get states(): readonly FollowedState[] {
    return [...this.known.values()];
  }

  /** Begins to follow; what followed the same before, in another version, is stopped. */
  begin<Kept extends Reflected>(followed: Followed<Kept>): void {
    const { kind, resource, selection, trim } = followed;
    const title = titleOf({ resource, namespace: selection.namespace });
    this.known.delete(title);
    this.known.set(title, {
      kind,
      namespace: selection.namespace,
      resource,
      health: { kind: 'unknown' },
      synced: false,
    });
    this.tasks.start(title, (signal) => {
      const handler = this.handlerOf(title, followed, signal);
      return this.reflect({ resource, selection, trim, handler }).run(signal);
    });
  }

  /** Does something else for as long as anything is followed. */
  accompany(run: (signal: AbortSignal) => Promise<void>): void {
    this.tasks.start('', run);
  }

  /** Follows something no longer, and forgets how it went. */
  end(title: string): void {
    this.tasks.stop(title);
    this.known.delete(title);
  }

  /** @throws what one of the followers threw; all have stopped by then */
  async untilStopped(signal: AbortSignal): Promise<void> {
    await this.tasks.untilStopped(signal);
  }

  /** What was told to stop may take a moment, and is not heard any more. */
  private handlerOf<Kept extends Reflected>(
    title: string,
    { changed, synced }: Followed<Kept>,
    signal: AbortSignal,
  ): ReflectorHandler<Kept> {
    return {
      changed: (changes, at) => {
        if (!signal.aborted) changed(changes, at);
      },
      synced: () => {
        if (signal.aborted) return;
        synced();
        this.update(title, { synced: true });
      },
      health: (health) => {
        if (!signal.aborted) this.update(title, { health });
      },
    };
  }

  private update(title: string, change: { readonly synced: true } | { readonly health: ReflectorHealth }): void {
    const state = this.known.get(title);
    if (state === undefined) return;
    this.known.set(title, { ...state, ...change });
    this.onState();
  }
}
