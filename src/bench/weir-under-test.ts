import { serverClock } from '../app/system-clock.ts';
import { Engine } from '../incremental/engine.ts';
import { scopesOf } from '../policy/scope.ts';
import { resource, resourceNames } from '../xds/resources.ts';
import { XdsServer, type ServerSize } from '../xds/server.ts';
import { xdsHandlers } from '../xds/services.ts';
import { listen } from '../xds/transport/listener.ts';
import { defaultLimits, noConnectionObserver } from '../xds/transport/protocol.ts';
import type { TransportKind } from '../xds/transport/transport-kinds.ts';
import { Delivery } from './delivery.ts';
import type { ServerUnderTest } from './measurements.ts';
import { World, type WorldSize } from './world.ts';

export interface WeirSpec {
  readonly transport: TransportKind;
  readonly world: WorldSize;
}

export interface WeirUnderTest extends ServerUnderTest {
  readonly world: World;
  readonly size: () => ServerSize;
}

/** Weir as `weir serve` puts it together, on a world that is made up: its engine, its queries, its server, its transport. */
export async function startWeir({ transport, world: size }: WeirSpec): Promise<WeirUnderTest> {
  const engine = new Engine();
  const world = new World(engine, size);
  const delivery = new Delivery();
  const server = new XdsServer({
    engine,
    queries: { names: resourceNames, resource, scopes: scopesOf },
    clock: serverClock,
    observer: delivery.observer(),
    identifier: 'weir/bench',
  });
  server.open();
  const { address } = await listen({
    kind: transport,
    address: '127.0.0.1:0',
    handlers: xdsHandlers((stream, { wire, typeUrl }) => server.accept(stream, wire, typeUrl)),
    tls: undefined,
    limits: defaultLimits,
    clock: serverClock,
    random: Math.random,
    observer: noConnectionObserver,
  });
  return {
    address,
    delivery,
    world,
    change: (kind, service) => (kind === 'route' ? world.editRoute(service) : world.moveEndpoint(service)),
    size: () => server.size,
  };
}
