import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiResource } from '../../src/discovery/kubernetes/reflector/reflected.ts';
import { Reflector } from '../../src/discovery/kubernetes/reflector/reflector.ts';
import { Contact } from '../../src/discovery/kubernetes/reflector/contact.ts';
import { ListTurns } from '../../src/discovery/kubernetes/reflector/turns.ts';
import { silentLog } from '../../src/observe/log.ts';
import { startFakeApiServer, type RunningFake } from '../support/fake-api-server/start.ts';
import type { StoredMetadata } from '../support/fake-api-server/stored-object.ts';
import { transports } from '../support/fake-api-server/transports.ts';
import { untilStill, VirtualTime } from '../support/fake-api-server/virtual-time.ts';

/** An API server that restarts is an expired version for every kind at once. */

const kinds: readonly ApiResource[] = [
  { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' },
  { group: '', version: 'v1', plural: 'services', kind: 'Service' },
  { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice' },
  { group: '', version: 'v1', plural: 'pods', kind: 'Pod' },
];

describe.each(transports)('reflectors of several kinds over $name', ({ tls }) => {
  const ending = new AbortController();
  const followed = new Map<string, Set<string>>(kinds.map(({ plural }) => [plural, new Set()]));
  const removed: string[] = [];
  let fake: RunningFake;
  let time: VirtualTime;
  let running: readonly Promise<void>[];

  beforeEach(async () => {
    time = new VirtualTime(() => untilStill(() => fake.server.traffic));
    fake = await startFakeApiServer({ clock: time, tls });
    for (const { plural } of kinds) for (const name of ['a', 'b', 'c']) put(plural, name);
    const turns = new ListTurns(1);
    running = kinds.map((resource, rank) => reflectorOf(resource, turns.at(rank)).run(ending.signal));
    await time.pass(150_000);
  });

  afterEach(async () => {
    ending.abort();
    await Promise.all(running);
    await fake.stop();
  });

  function put(plural: string, name: string): void {
    const namespace = plural === 'namespaces' ? {} : { namespace: 'default' };
    fake.server.objects.put(plural, { metadata: { ...namespace, name } });
  }

  const contact = new Contact();

  function reflectorOf(resource: ApiResource, turn: ReturnType<ListTurns['at']>) {
    const objects = followed.get(resource.plural);
    return new Reflector({
      client: fake.client,
      resource,
      selection: {},
      trim: ({ metadata }) => {
        const { namespace, name, uid, resourceVersion } = metadata as StoredMetadata;
        return { key: namespace === undefined ? name : `${namespace}/${name}`, uid, resourceVersion };
      },
      handler: {
        changed: (changes) => {
          for (const { kind, object } of changes) {
            if (kind === 'put') objects?.add(object.key);
            else objects?.delete(object.key);
            if (kind === 'remove') removed.push(object.key);
          }
        },
        synced: () => undefined,
        health: () => undefined,
      },
      clock: time,
      random: () => 0.5,
      log: silentLog,
      turn,
      contact,
    });
  }

  it('read all once more, each once and one after the other (kubernetes/K25, kubernetes/K139)', async () => {
    const { server } = fake;
    const everyMs = 1_000;
    server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    // Slow enough that lists would overlap if they did not wait for each other.
    server.faults.always({ verb: 'list' }, { kind: 'drip', bytes: 100, everyMs });
    await server.down();
    for (const { plural } of kinds) put(plural, 'd');
    server.objects.remove('pods', 'default/b');
    server.forget();
    server.log.clear();
    await server.up();
    await time.pass(3 * 60_000);

    const lists = server.log.all({ verb: 'list' });
    expect(lists.map(({ route }) => route?.plural).toSorted()).toEqual(kinds.map(({ plural }) => plural).toSorted());
    for (const [index, { at }] of lists.entries()) {
      const previous = lists[index - 1];
      // Three objects and more take at least so many pieces of a hundred bytes.
      if (previous !== undefined) expect(at - previous.at).toBeGreaterThanOrEqual(6 * everyMs);
    }
    for (const { plural } of kinds) {
      const served = server.objects.summary(plural, new URLSearchParams()).map((line) => line.split(' ')[0]);
      expect([...(followed.get(plural) ?? [])].toSorted()).toEqual(served);
    }
    expect(removed).toEqual(['default/b']);
  });
});
