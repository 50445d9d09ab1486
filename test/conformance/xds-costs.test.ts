import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/incremental/engine.ts';
import { scopesOf } from '../../src/policy/scope.ts';
import { resource, resourceNames } from '../../src/xds/resources.ts';
import { XdsServer } from '../../src/xds/server.ts';
import { ManualClock } from '../support/clocks.ts';
import { CountingClient, type Cost } from '../support/counting-client.ts';
import {
  aDestinationRule,
  aMesh,
  aService,
  aShard,
  aVirtualService,
  put,
  remove,
  type ARow,
} from '../support/mesh-rows.ts';

/**
 * What changes cost on the wire, all clients together: a mesh of 40 services with 25 endpoints each on one port, two clients in `shop`
 * and one in `office`. The counts are exact; a change that makes one of them larger has to say why here.
 */

const services = Array.from({ length: 40 }, (_, index) => `service-${index}`);
const clients = ['web-1.shop', 'web-2.shop', 'clerk.office'];

function addresses(service: number, endpoints: number): readonly string[] {
  return Array.from({ length: endpoints }, (_, index) => `10.${service}.0.${index + 1}`);
}

function routesOf(host: string, timeout: string, options: Parameters<typeof aVirtualService>[2] = {}): ARow {
  return aVirtualService(host, { hosts: [host], http: [{ timeout, route: [{ destination: { host } }] }] }, options);
}

class CountedMesh {
  readonly engine: Engine;
  readonly #clock = new ManualClock();
  readonly #clients: readonly CountingClient[];

  constructor(...more: readonly ARow[]) {
    this.engine = aMesh(
      ...services.flatMap((name, index) => [aService(name), aShard(name, addresses(index, 25))]),
      routesOf('service-3', '1s'),
      ...more,
    );
    const queries = { names: resourceNames, resource, scopes: scopesOf };
    const server = new XdsServer({ engine: this.engine, queries, clock: this.#clock, identifier: 'weir/test' });
    server.open();
    this.#clients = clients.map((name, index) => {
      const client = new CountingClient();
      server.accept(client, 'delta');
      client.begin(`sidecar~10.99.0.${index + 1}~${name}~${name.split('.')[1]}.svc.cluster.local`);
      return client;
    });
    this.#exchange();
  }

  /** What a change costs until nobody has anything more to hear. */
  costOf(change: () => void): Cost {
    for (const client of this.#clients) client.takeCost();
    change();
    this.#exchange();
    return this.#clients
      .map((client) => client.takeCost())
      .reduce((sum, cost) => ({
        pushes: sum.pushes + cost.pushes,
        resources: sum.resources + cost.resources,
        removed: sum.removed + cost.removed,
        bytes: sum.bytes + cost.bytes,
      }));
  }

  #exchange(): void {
    for (let round = 0; round < 2; round++) {
      do this.#clock.settle();
      while (this.#clients.map((client) => client.answer()).includes(true));
      // Longer than anything waits: clusters whose listeners drain wait longest.
      this.#clock.advance(700_000);
    }
  }
}

interface Kind {
  readonly title: string;
  readonly change: (mesh: CountedMesh) => void;
  readonly most: Cost;
}

/** `most.bytes` are rounded up to the next hundred. */
const kinds: readonly Kind[] = [
  {
    title: 'one endpoint more',
    change: ({ engine }) => put(engine, aShard('service-3', addresses(3, 26))),
    most: { pushes: 3, resources: 3, removed: 0, bytes: 2600 },
  },
  {
    title: 'the last endpoint goes',
    change: ({ engine }) => put(engine, aShard('service-4', [])),
    most: { pushes: 3, resources: 3, removed: 0, bytes: 900 },
  },
  {
    title: 'the first endpoint comes',
    change: ({ engine }) => put(engine, aShard('service-4', addresses(4, 1))),
    most: { pushes: 3, resources: 3, removed: 0, bytes: 1000 },
  },
  {
    title: 'the same rows once more',
    change: ({ engine }) => put(engine, aService('service-5'), aShard('service-5', addresses(5, 25))),
    most: { pushes: 0, resources: 0, removed: 0, bytes: 0 },
  },
  {
    title: 'metadata of a VirtualService',
    change: ({ engine }) => put(engine, routesOf('service-3', '1s', { generation: 7 })),
    most: { pushes: 0, resources: 0, removed: 0, bytes: 0 },
  },
  {
    title: 'a VirtualService',
    change: ({ engine }) => put(engine, routesOf('service-3', '2s')),
    most: { pushes: 3, resources: 3, removed: 0, bytes: 60_600 },
  },
  {
    title: 'a VirtualService for one namespace',
    change: ({ engine }) =>
      put(
        engine,
        aVirtualService('own', {
          hosts: ['service-6'],
          exportTo: ['.'],
          http: [{ timeout: '1s', route: [{ destination: { host: 'service-6' } }] }],
        }),
      ),
    most: { pushes: 2, resources: 2, removed: 0, bytes: 40_900 },
  },
  {
    title: 'a DestinationRule',
    change: ({ engine }) =>
      put(
        engine,
        aDestinationRule('service-7', {
          host: 'service-7',
          trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } },
        }),
      ),
    most: { pushes: 6, resources: 6, removed: 0, bytes: 4300 },
  },
  {
    title: 'a subset',
    change: ({ engine }) =>
      put(
        engine,
        aDestinationRule('service-8', { host: 'service-8', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }),
      ),
    most: { pushes: 6, resources: 6, removed: 0, bytes: 2700 },
  },
  {
    title: 'a service on a port that others have',
    change: ({ engine }) => put(engine, aService('more'), aShard('more', addresses(60, 25))),
    most: { pushes: 9, resources: 9, removed: 0, bytes: 66_100 },
  },
  {
    title: 'a service on a port of its own',
    change: ({ engine }) =>
      put(engine, aService('alone', { ports: ['http:7777'] }), aShard('alone', addresses(61, 25))),
    most: { pushes: 12, resources: 12, removed: 0, bytes: 9900 },
  },
  {
    title: 'a service goes',
    change: ({ engine }) => remove(engine, aService('service-9')),
    most: { pushes: 6, resources: 3, removed: 3, bytes: 61_000 },
  },
  {
    title: 'a port goes with its service',
    change: ({ engine }) => remove(engine, aService('alone', { ports: ['http:7777'] })),
    most: { pushes: 9, resources: 3, removed: 6, bytes: 1600 },
  },
];

describe('a change costs no more than it did, counted in pushes, resources and bytes (xds-protocol/X131, xds-protocol/X238)', () => {
  let mesh: CountedMesh;
  beforeAll(() => {
    mesh = new CountedMesh();
  });

  it.each(kinds)('$title', ({ change, most }) => {
    const { bytes, ...counts } = mesh.costOf(() => change(mesh));
    const { bytes: mostBytes, ...mostCounts } = most;
    expect(counts).toEqual(mostCounts);
    expect(bytes).toBeLessThanOrEqual(mostBytes);
  });
});

it('fifty thousand endpoints that are written again as they were cost nothing, and one that changes costs its list (xds-protocol/X262)', () => {
  const rows = Array.from({ length: 500 }, (_, index) => aShard(`large-${index}`, addresses(index % 250, 100)));
  const mesh = new CountedMesh(...rows, ...rows.map((_, index) => aService(`large-${index}`)));
  expect(mesh.costOf(() => put(mesh.engine, ...rows))).toEqual({ pushes: 0, resources: 0, removed: 0, bytes: 0 });
  let runs: ReadonlyMap<string, number> = new Map();
  const change = (): void => {
    runs = put(mesh.engine, aShard('large-7', addresses(7, 101))).reran;
  };
  expect(mesh.costOf(change)).toMatchObject({ pushes: clients.length, resources: clients.length, removed: 0 });
  // Once for each scope: the two clients of one namespace share it.
  expect(runs.get(resource.name)).toBe(2);
});
