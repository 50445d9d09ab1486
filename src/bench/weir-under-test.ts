import { proxyView } from '../app/proxy-view.ts';
import { serverClock, systemPacing } from '../app/system-clock.ts';
import { Engine } from '../incremental/engine.ts';
import { proxyKey } from '../model/keys.ts';
import { proxies } from '../model/tables.ts';
import { scopesOf } from '../policy/scope.ts';
import { isNodeError, proxyOfNode } from '../xds/node.ts';
import { resource, resourceNames, resourceSteps, type Resource } from '../xds/resources.ts';
import { XdsServer, type ServerSize } from '../xds/server.ts';
import { xdsHandlers } from '../xds/services.ts';
import { listen } from '../xds/transport/listener.ts';
import { defaultLimits, noConnectionObserver } from '../xds/transport/protocol.ts';
import type { TransportKind } from '../xds/transport/transport-kinds.ts';
import { Delivery } from './delivery.ts';
import type { ServerUnderTest } from './measurements.ts';
import { sidecarNodeId, World, type WorldSize } from './world.ts';

export interface WeirSpec {
  readonly transport: TransportKind;
  readonly world: WorldSize;
}

export interface WeirUnderTest extends ServerUnderTest {
  readonly world: World;
  readonly held: () => Held;
  readonly size: () => ServerSize;
}

/** Name -> version. */
export interface Held {
  readonly cluster: Readonly<Record<string, string>>;
  readonly endpoints: Readonly<Record<string, string>>;
}

/** Weir as `weir serve` puts it together, on a world that is made up: its engine, its queries, its server, its transport. */
export async function startWeir({ transport, world: size }: WeirSpec): Promise<WeirUnderTest> {
  const engine = new Engine();
  const world = new World(engine, size);
  const delivery = new Delivery();
  const server = new XdsServer({
    engine,
    queries: { names: resourceNames, resource, steps: resourceSteps, scopes: scopesOf },
    clock: serverClock,
    observer: delivery.observer(),
    identifier: 'weir/bench',
    random: Math.random,
    pacing: systemPacing(),
  });
  server.open();
  const { address } = await listenOn(transport, server);
  return {
    address,
    delivery,
    world,
    change: (kind, service) => (kind === 'route' ? world.editRoute(service) : world.moveEndpoint(service)),
    held: () => heldBySidecar(engine),
    size: () => server.size,
  };
}

function heldBySidecar(engine: Engine): Held {
  const proxy = proxyOfNode({ id: sidecarNodeId(0) }, (nodeId) => proxyKey(nodeId));
  if (isNodeError(proxy)) throw new Error(proxy.problems.join('; '));
  const { cluster, endpoints } = proxyView(engine, proxy);
  engine.batch({ source: 'bench', at: serverClock.now() }, (write) => write.remove(proxies, proxy.key));
  const versions = (resources: readonly Resource[]) =>
    Object.fromEntries(resources.map(({ name, version }) => [name, version]));
  return { cluster: versions(cluster), endpoints: versions(endpoints) };
}

function listenOn(kind: TransportKind, server: XdsServer): Promise<{ readonly address: string }> {
  return listen({
    kind,
    address: '127.0.0.1:0',
    handlers: xdsHandlers((stream, { wire, typeUrl }) => server.accept(stream, wire, { only: typeUrl })),
    tls: undefined,
    limits: defaultLimits,
    clock: serverClock,
    random: Math.random,
    observer: noConnectionObserver,
  });
}
