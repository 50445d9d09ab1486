import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { scopesOf } from '../../src/policy/scope.ts';
import { resource, resourceNames } from '../../src/xds/resources.ts';
import { XdsServer } from '../../src/xds/server.ts';
import { ManualClock } from '../support/clocks.ts';
import { CountingClient } from '../support/counting-client.ts';
import { aMesh, aService, aShard, aVirtualService, put, remove, type ARow } from '../support/mesh-rows.ts';

/** Memory under change: what a mesh holds depends on what there is, not on how long it has been changing. */

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What the compiler makes of code that runs often is no part of what a mesh holds. */
const objectSpaces = ['new_space', 'old_space', 'new_large_object_space', 'large_object_space'];

/** In bytes, after garbage was collected. */
function memory(): { readonly heap: number; readonly buffers: number } {
  for (let pass = 0; pass < 3; pass++) collect();
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => objectSpaces.includes(name));
  const heap = spaces.reduce((sum, { space_used_size: used }) => sum + used, 0);
  return { heap, buffers: process.memoryUsage().arrayBuffers };
}

const services = Array.from({ length: 30 }, (_, index) => `service-${index}`);

function endpointsOf(service: number, round: number): ARow {
  // Between 10 and 40 of them, other ones in each round.
  const count = 10 + ((service * 7 + round * 13) % 31);
  const addresses = Array.from({ length: count }, (_, index) => `10.${service}.${round % 250}.${index + 1}`);
  return aShard(`service-${service}`, addresses);
}

function routesOf(round: number): ARow {
  const host = `service-${round % services.length}`;
  return aVirtualService('routes', {
    hosts: [host],
    http: [{ timeout: `${round}s`, route: [{ destination: { host } }] }],
  });
}

it('heap and buffers stay flat under change (hot-path/H1108)', () => {
  const clock = new ManualClock();
  const engine = aMesh(...services.flatMap((name, index) => [aService(name), endpointsOf(index, 0)]), routesOf(1));
  const queries = { names: resourceNames, resource, scopes: scopesOf };
  const server = new XdsServer({ engine, queries, clock, identifier: 'weir/test' });
  server.open();
  const clients = ['web-1.shop', 'web-2.shop', 'clerk.office'].map((name, index) => {
    const client = new CountingClient();
    server.accept(client, 'delta');
    client.begin(`sidecar~10.99.0.${index + 1}~${name}~${name.split('.')[1]}.svc.cluster.local`);
    return client;
  });
  const settle = (): void => {
    do clock.settle();
    while (clients.map((client) => client.answer()).includes(true));
  };
  let round = 0;
  const churn = (rounds: number): void => {
    for (const end = round + rounds; round < end; round++) {
      put(engine, ...services.flatMap((_, index) => (index % 3 === round % 3 ? [endpointsOf(index, round)] : [])));
      put(engine, routesOf(round));
      if (round % 10 === 0) remove(engine, aService('comes-and-goes'));
      if (round % 10 === 5) put(engine, aService('comes-and-goes'));
      settle();
      // Removals wait for listeners to drain, and what was shared is forgotten after a time.
      clock.advance(round % 20 === 0 ? 700_000 : 1);
      settle();
    }
    // What there is at the end is the same each time.
    put(engine, ...services.map((_, index) => endpointsOf(index, 0)), routesOf(1));
    remove(engine, aService('comes-and-goes'));
    settle();
    clock.advance(700_000);
    settle();
  };
  settle();
  churn(300);
  const before = memory();
  churn(300);
  const after = memory();
  expect(clients.map((client) => client.takeCost().pushes).every((pushes) => pushes > 1_000)).toBe(true);
  expect(after.buffers - before.buffers).toBeLessThan(20_000);
  expect(after.heap - before.heap).toBeLessThan(200_000);
});
