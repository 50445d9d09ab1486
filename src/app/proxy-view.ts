import { ReadFailure } from '../incremental/commit.ts';
import type { Engine } from '../incremental/engine.ts';
import { compareText } from '../model/config-object.ts';
import type { ScopeKey } from '../model/keys.ts';
import type { Proxy } from '../model/proxy.ts';
import type { ScopedType } from '../model/scope.ts';
import { defaultOwnSettings } from '../model/own-settings.ts';
import { ownSettings, proxies } from '../model/tables.ts';
import { scopesOf } from '../policy/scope.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey, type Resource } from '../xds/resources.ts';

/** Everything that one proxy would be sent; each list sorted by name. */
export type ProxyView = Readonly<Record<Exclude<ScopedType, 'virtualHosts'>, readonly Resource[]>>;

/**
 * Works out what a proxy would be sent, as its Envoy would ask for it: all clusters and listeners, the load assignments that the
 * clusters name, the route configurations that the listeners name. These are whole, since the same virtual hosts come one by one.
 *
 * A resource that cannot be computed is left out, as it would be on a stream; the engine has reported why.
 */
export function proxyView(engine: Engine, proxy: Proxy): ProxyView {
  engine.batch({ source: 'translate', at: 0 }, (write) => {
    write.put(ownSettings, defaultOwnSettings);
    write.put(proxies, proxy);
  });
  const scopes = engine.read(scopesOf, proxy.key);
  const named = (type: ScopedType, names: Iterable<string>): readonly Resource[] =>
    [...new Set(names)]
      .toSorted(compareText)
      .map((name) => firstOf(engine, type, scopes[type], name))
      .filter((found) => found !== undefined);
  const all = (type: ScopedType): readonly Resource[] =>
    named(
      type,
      scopes[type].flatMap((scope) => engine.read(resourceNames, resourceNamesKey(type, scope))),
    );
  const children = (parents: readonly Resource[]): readonly string[] => parents.flatMap((parent) => parent.children);

  const cluster = all('cluster');
  const listener = all('listener');
  return {
    cluster,
    endpoints: named('endpoints', children(cluster)),
    listener,
    routes: named('routes', children(listener)),
  };
}

/** Of several scopes that have a name the first counts. */
function firstOf(engine: Engine, type: ScopedType, scopes: readonly ScopeKey[], name: string): Resource | undefined {
  for (const scope of scopes) {
    try {
      const found = engine.read(resource, resourceKey(type, scope, name));
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof ReadFailure)) throw error;
    }
  }
  return undefined;
}
