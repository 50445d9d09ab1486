import { pause, type TimedClock } from '../../kubernetes/api/timed-clock.ts';
import type { NacosConnection } from './connection.ts';
import { isMessage, listField, textField, type JsonMessage } from './json-message.ts';
import { errorCodes, NacosError } from './nacos-error.ts';
import { keyOfName, nameOfKey, type ServiceName } from './service-info.ts';

export interface FuzzyWatchOptions {
  readonly namespace: string;
  /** Groups that are watched; undefined: all that there are. */
  readonly groups: readonly string[] | undefined;
  readonly clock: TimedClock;
  /** The services that are known already. */
  readonly known: () => readonly ServiceName[];
  readonly handler: FuzzyWatchHandler;
}

export interface FuzzyWatchHandler {
  /** A service has instances. */
  appeared(name: ServiceName): void;
  /** A service has no instances (registries T26): it may still be there. */
  emptied(name: ServiceName): void;
  /** The server has said all that it is going to say of what there is. */
  told(): void;
  /** The server tells less than all, or nothing; undefined: it tells everything. Lists tell the rest (registries N35). */
  limited(reason: string | undefined): void;
}

/** As often as Java's client does (registries N21). */
const periodMs = 180_000;

/** Has the server tell which services there are, where it can: faster than lists, and limited to 500 services and 20 patterns. */
export class FuzzyWatch {
  readonly #options: FuzzyWatchOptions;

  constructor(options: FuzzyWatchOptions) {
    this.#options = options;
  }

  /** Watches until the signal is aborted. Servers that cannot do it are left alone. */
  async serve(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    const { namespace, groups = ['*'], clock, handler } = this.#options;
    if (!connection.can('fuzzyWatch')) {
      handler.limited(undefined);
      return handler.told();
    }
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      let limit: string | undefined;
      for (const group of groups)
        limit = (await this.#watch(`${namespace}>>${group}>>*`, connection, isFirst)) ?? limit;
      if (signal.aborted) return;
      handler.limited(limit);
      if (limit !== undefined) handler.told();
      await pause(clock, periodMs, signal);
    }
  }

  /** Takes what the server says of it. */
  pushed(type: string, message: JsonMessage): void {
    if (type === 'NamingFuzzyWatchChangeNotifyRequest') this.#take(message);
    if (type !== 'NamingFuzzyWatchSyncRequest') return;
    for (const context of listField(message, 'contexts') ?? []) if (isMessage(context)) this.#take(context);
    if (message['syncType'] === 'FINISH_FUZZY_WATCH_INIT_NOTIFY') this.#options.handler.told();
  }

  #take(change: JsonMessage): void {
    const { namespace, handler } = this.#options;
    const name = nameOfKey(textField(change, 'serviceKey') ?? '', namespace);
    if (name === undefined) return;
    if (change['changedType'] === 'ADD_SERVICE') handler.appeared(name);
    else if (change['changedType'] === 'DELETE_SERVICE') handler.emptied(name);
  }

  /** @returns what is missing; undefined: nothing */
  async #watch(groupKeyPattern: string, connection: NacosConnection, isFirst: boolean): Promise<string | undefined> {
    const { namespace, known } = this.#options;
    const receivedGroupKeys = isFirst ? [] : known().map((name) => keyOfName(namespace, name));
    try {
      await connection.request('NamingFuzzyWatchRequest', {
        namespace,
        groupKeyPattern,
        initializing: isFirst,
        receivedGroupKeys,
        watchType: 'WATCH',
        module: 'naming',
      });
      return undefined;
    } catch (error) {
      return error instanceof NacosError ? limitOf(error, groupKeyPattern) : undefined;
    }
  }
}

function limitOf({ code, message }: NacosError, pattern: string): string {
  switch (code) {
    case errorCodes.tooManyMatches:
      return `${pattern} matches more services than the server watches (${code}); lists find the rest`;
    case errorCodes.tooManyPatterns:
      return `the server watches no further pattern (${code}); lists find all services`;
    default:
      return `${message}; lists find all services`;
  }
}
