import type { Index, Query, Table } from '../../src/incremental/definitions.ts';
import { Engine } from '../../src/incremental/engine.ts';
import { compositeKey, partsOf, scopeKey, type ProxyKey } from '../../src/model/keys.ts';
import type { Provenance } from '../../src/model/provenance.ts';
import type { ProxyScopes } from '../../src/model/scope.ts';
import { expiring } from '../../src/xds/expiry.ts';
import { frameContent } from '../../src/xds/fragment.ts';
import { resourceTypeByName, type ResourceTypeName } from '../../src/xds/resource-types.ts';
import type { Resource } from '../../src/xds/resources.ts';

/** Resources straight from rows, without a mesh behind them: enough for everything between the engine and a client. */

interface Thing {
  /** `type scope name`. */
  readonly key: string;
  readonly resource: Resource;
}

export interface ThingOptions {
  readonly scope?: string;
  readonly children?: readonly string[];
  readonly secrets?: readonly string[];
  /** Milliseconds. */
  readonly ttl?: number;
  readonly provenance?: readonly Provenance[];
}

const things: Table<string, Thing> = { name: 'things', keyOf: (row) => row.key };
const thingsOfScope: Index<string, string, Thing> = {
  name: 'thingsOfScope',
  table: things,
  valuesOf: ({ key }) => [partsOf(key).slice(0, 2).join(' ')],
};

interface Place {
  readonly nodeId: string;
  readonly scopes: ProxyScopes;
}

const places: Table<string, Place> = { name: 'places', keyOf: (row) => row.nodeId };

export const tinyQueries = {
  names: {
    name: 'tinyNames',
    compute: (read, key) => read(thingsOfScope, key).map((thing) => partsOf(thing)[2] ?? ''),
  } satisfies Query<string, readonly string[]>,
  resource: {
    name: 'tinyResource',
    compute: (read, key) => {
      const [type = '', scope = '', name = ''] = partsOf(key);
      return read(things, compositeKey(type, scope, name))?.resource;
    },
    equal: (a, b) => a?.version === b?.version,
  } satisfies Query<string, Resource | undefined>,
  scopes: {
    name: 'tinyScopes',
    compute: (read, key) => read(places, key.slice(0, key.indexOf('#')))?.scopes ?? scopesNamed('all'),
  } satisfies Query<ProxyKey, ProxyScopes>,
};

/** All types in scopes of these names. */
export function scopesNamed(...names: readonly string[]): ProxyScopes {
  const scopes = names.map(scopeKey);
  return { cluster: scopes, endpoints: scopes, listener: scopes, routes: scopes, virtualHosts: scopes };
}

/** A resource whose message is whatever bytes the text has. */
export function aResource(
  type: ResourceTypeName,
  name: string,
  content: string | Uint8Array,
  { children = [], secrets = [], ttl, provenance = [] }: ThingOptions = {},
): Resource {
  const { message } = typeNamed(type);
  const framed = frameContent(message, name, Buffer.from(content));
  const resource = { type, name, ...framed, children, secrets, provenance };
  return ttl === undefined ? resource : expiring(resource, ttl);
}

export function typeNamed(name: string): NonNullable<ReturnType<typeof resourceTypeByName>> {
  const type = resourceTypeByName(name);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

/** A world of such resources. */
export class TinyMesh {
  readonly engine = new Engine();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Changes that belong together: one commit. */
  change(edit: (mesh: TinyMesh) => void): void {
    this.engine.batch({ source: 'test', at: this.#now() }, () => edit(this));
  }

  put(type: ResourceTypeName, name: string, content: string | Uint8Array, options: ThingOptions = {}): void {
    const key = compositeKey(type, options.scope ?? 'all', name);
    this.#write((write) => write.put(things, { key, resource: aResource(type, name, content, options) }));
  }

  remove(type: ResourceTypeName, name: string, scope = 'all'): void {
    this.#write((write) => write.remove(things, compositeKey(type, scope, name)));
  }

  /** Moves a proxy, connected or not, into other scopes. */
  place(nodeId: string, scopes: ProxyScopes): void {
    this.#write((write) => write.put(places, { nodeId, scopes }));
  }

  #write(change: Parameters<Engine['batch']>[1]): void {
    this.engine.batch({ source: 'test', at: this.#now() }, change);
  }
}
