import { messageOf } from '../../src/xds/fragment.ts';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { FileSource } from '../../src/discovery/file/file-source.ts';
import { Engine } from '../../src/incremental/engine.ts';
import { proxyKey } from '../../src/model/keys.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { ProxyScopes, ScopedType } from '../../src/model/scope.ts';
import { defaultOwnSettings } from '../../src/model/own-settings.ts';
import { ownSettings, proxies } from '../../src/model/tables.ts';
import type { Log } from '../../src/observe/log.ts';
import { decodeConfig } from '../../src/policy/dialects/istio/decode.ts';
import { scopesOf } from '../../src/policy/scope.ts';
import { toJson, type Json } from '../../src/xds/json.ts';
import { isNodeError, proxyOfNode } from '../../src/xds/node.ts';
import { resourceTypeByName } from '../../src/xds/resource-types.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey, type Resource } from '../../src/xds/resources.ts';
import { outputs, type GoldenCase, type Output } from './cases.ts';

/**
 * What a case's proxy is sent, made by decoding the bytes that it would get. Virtual hosts that come one by one stand behind the route
 * configurations.
 */
export type Sent = Readonly<Record<Output, readonly Json[]>>;

const domain = 'cluster.local';

/** Throws when the mesh or the node is not as it should be: a case is about what is sent, not about mistakes. */
export function renderCase(golden: GoldenCase): Sent {
  const engine = meshOf(golden.mesh);
  const ofNode = proxyOfNode(JSON.parse(readFileSync(golden.node, 'utf8')), proxyKey);
  if (isNodeError(ofNode)) throw new Error(`${golden.node}: ${ofNode.problems.join('; ')}`);
  const known = golden.proxy === undefined ? {} : (JSON.parse(readFileSync(golden.proxy, 'utf8')) as Partial<Proxy>);
  const proxy: Proxy = { ...ofNode, ...known };
  engine.batch({ source: 'golden', at: 0 }, (write) => {
    // A node that says which Envoy it is gets virtual hosts one by one.
    write.put(ownSettings, { ...defaultOwnSettings, routeDelivery: 'virtual-hosts' });
    write.put(proxies, proxy);
  });
  const scopes = engine.read(scopesOf, proxy.key);
  const clusters = everything(engine, scopes, 'cluster');
  const listeners = everything(engine, scopes, 'listener');
  const routes = askedFor(engine, scopes, 'routes', listeners);
  return {
    clusters: clusters.map(jsonOf),
    endpoints: askedFor(engine, scopes, 'endpoints', clusters).map(jsonOf),
    listeners: listeners.map(jsonOf),
    routes: [...routes, ...askedFor(engine, scopes, 'virtualHosts', routes)].map(jsonOf),
  };
}

/** As it stands in the files. */
export function yamlOf(sent: Sent): Readonly<Record<Output, string>> {
  const texts = outputs.map((output) => [output, stringify(sent[output], { lineWidth: 0 })] as const);
  return Object.fromEntries(texts) as Record<Output, string>;
}

function refuse(message: string, fields: unknown): never {
  throw new Error(`${message} ${JSON.stringify(fields)}`);
}

/** Whatever a source finds wrong with a case is a mistake in the case. */
const strictLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: refuse,
  error: refuse,
  with: () => strictLog,
};

/** @param file of objects, loaded as `weir` loads the files of a directory */
function meshOf(file: string): Engine {
  const engine = new Engine();
  const directory = mkdtempSync(join(tmpdir(), 'weir-golden-'));
  try {
    copyFileSync(file, join(directory, 'in.yaml'));
    new FileSource({
      engine,
      directories: [directory],
      domain,
      admit: (object) => {
        const decoded = decodeConfig(object);
        return decoded.kind === 'valid' ? decoded.warnings : decoded.violations;
      },
      clock: { now: () => 0, monotonic: () => 0 },
      log: strictLog,
    }).readOnce();
  } finally {
    rmSync(directory, { recursive: true });
  }
  return engine;
}

/** What a wildcard subscription gets. */
function everything(engine: Engine, scopes: ProxyScopes, type: ScopedType): readonly Resource[] {
  return scopes[type].flatMap((scope) =>
    engine.read(resourceNames, resourceNamesKey(type, scope)).map((name) => existing(engine, scopes, type, name)),
  );
}

/** What parents make a proxy ask for by name. */
function askedFor(
  engine: Engine,
  scopes: ProxyScopes,
  type: ScopedType,
  parents: readonly Resource[],
): readonly Resource[] {
  const names = new Set(parents.flatMap(({ children }) => children));
  return [...names].toSorted().map((name) => existing(engine, scopes, type, name));
}

function existing(engine: Engine, scopes: ProxyScopes, type: ScopedType, name: string): Resource {
  for (const scope of scopes[type]) {
    const found = engine.read(resource, resourceKey(type, scope, name));
    if (found !== undefined) return found;
  }
  throw new Error(`there is no ${type} ${name}`);
}

function jsonOf(resource: Resource): Json {
  const message = resourceTypeByName(resource.type)?.message;
  if (message === undefined) throw new Error(`${resource.type} is not a type of resources`);
  return toJson(message, messageOf(resource));
}
