import type { Engine } from '../../src/incremental/engine.ts';
import { compositeKey, proxyKey } from '../../src/model/keys.ts';
import type { ProxyScopes, ScopedType } from '../../src/model/scope.ts';
import { proxies } from '../../src/model/tables.ts';
import { scopesOf } from '../../src/policy/scope.ts';
import { resource, resourceNames, type Resource } from '../../src/xds/resources.ts';
import type { Query } from '../../src/incremental/definitions.ts';

/** What proxies would be sent, and what one change would send again. */

/** `type name` of every resource that a proxy would be sent -> its version. */
export type View = ReadonlyMap<string, string>;

interface Place {
  readonly type: ScopedType;
  readonly scope: string;
  readonly name: string;
}

/**
 * Types whose names the client learns from its parents: assignments from clusters, route configurations from listeners, and, where those
 * do not hold them, virtual hosts from route configurations.
 */
const childType = { cluster: 'endpoints', listener: 'routes', routes: 'virtualHosts' } as const;

type Get = <Key extends string, Value>(query: Query<Key, Value>, key: Key) => Value;

/** Walks through a proxy's view as a client does: the wildcard types, then what they refer to. */
function* walk(get: Get, proxy: string): Generator<readonly [Place, Resource]> {
  const scopes = get(scopesOf, proxyKey(proxy));
  for (const type of ['cluster', 'listener'] as const) {
    const wildcard = scopes[type].flatMap((scope) => get(resourceNames, compositeKey(type, scope)));
    yield* below(get, scopes, type, wildcard);
  }
}

/** The named resources of a type, and what they refer to. */
function* below(
  get: Get,
  scopes: ProxyScopes,
  type: ScopedType,
  names: readonly string[],
): Generator<readonly [Place, Resource]> {
  const children = new Set<string>();
  for (const scope of scopes[type]) {
    for (const name of names) {
      const found = get(resource, compositeKey(type, scope, name));
      if (found === undefined) continue;
      for (const child of found.children) children.add(child);
      yield [{ type, scope, name }, found];
    }
  }
  if (type in childType) yield* below(get, scopes, childType[type as keyof typeof childType], [...children]);
}

function viewOf(engine: Engine, proxy: string): View {
  const view = new Map<string, string>();
  for (const [{ type, name }, { version }] of walk(engine.read, proxy)) view.set(`${type} ${name}`, version);
  return view;
}

/** Keeps everything that the proxies would be sent up to date, as their streams would. */
export function watchViews(engine: Engine): void {
  const ignore = (): void => undefined;
  const get: Get = (query, key) => engine.watch(query, key, ignore).value;
  const keys = Array.from(engine.rows(proxies), ({ key }) => key);
  for (const key of keys) for (const _ of walk(get, key));
}

/**
 * Makes a change and says, per proxy, which resources differ afterwards: `type name`, with `+` before a new one and `-` before one that
 * is gone. A proxy for which nothing differs is left out.
 */
export function touchedBy(engine: Engine, change: () => void): Readonly<Record<string, readonly string[]>> {
  const names = [...engine.rows(proxies)].map((proxy) => proxy.key);
  const before = new Map(names.map((name) => [name, viewOf(engine, name)] as const));
  change();
  const touched: Record<string, readonly string[]> = {};
  for (const name of names) {
    const differing = differences(before.get(name) ?? new Map(), viewOf(engine, name));
    if (differing.length > 0) touched[name] = differing;
  }
  return touched;
}

function differences(before: View, after: View): readonly string[] {
  const changed: string[] = [];
  for (const [name, version] of after) {
    const old = before.get(name);
    if (old === undefined) changed.push(`+ ${name}`);
    else if (old !== version) changed.push(name);
  }
  for (const name of before.keys()) if (!after.has(name)) changed.push(`- ${name}`);
  return changed.toSorted();
}
