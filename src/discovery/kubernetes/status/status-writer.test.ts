import { afterEach, describe, expect, it } from 'vitest';
import { ObjectStoreClient, refused } from '../../../../test/support/object-store-client.ts';
import { VirtualTime } from '../../../../test/support/virtual-time.ts';
import type { Condition } from '../../../model/condition.ts';
import { configKey, partsOfConfigKey, type ConfigKey } from '../../../model/keys.ts';
import { silentLog } from '../../../observe/log.ts';
import { ApiError } from '../api/api-client.ts';
import { StatusWriter, type StatusWriteResult } from './status-writer.ts';

const kind = 'networking.istio.io/VirtualService';
const collection = '/apis/networking.istio.io/v1';

function keyOf(name: string): ConfigKey {
  return configKey(kind, 'shop', name);
}

function pathOf(key: ConfigKey): string {
  const { namespace, name } = partsOfConfigKey(key);
  return `${collection}/namespaces/${namespace}/virtualservices/${name}`;
}

function accepted(observedGeneration = 1, message = 'in force'): Condition {
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration };
}

function programmed(status: Condition['status'], reason: string, message: string, observedGeneration = 1): Condition {
  return { type: 'Programmed', status, reason, message, observedGeneration };
}

const complete = (message: string, generation = 1) => programmed('True', 'Programmed', message, generation);
const pending = (message: string, generation = 1) => programmed('False', 'Pending', message, generation);

const running: AbortController[] = [];
afterEach(() => {
  for (const each of running.splice(0)) each.abort();
});

/** A writer, the objects on a server, and what should be said of them. */
class Rig {
  readonly time = new VirtualTime();
  readonly client = new ObjectStoreClient();
  readonly conditions = new Map<ConfigKey, readonly Condition[]>();
  readonly results: StatusWriteResult[] = [];
  readonly warnings: string[] = [];
  isHeld = true;
  readonly #followers = new Set<(key: ConfigKey) => void>();

  /** An object that is on the server, and of which something is to be said. */
  say(name: string, ...conditions: readonly Condition[]): ConfigKey {
    const key = keyOf(name);
    if (!this.client.objects.has(pathOf(key))) {
      this.client.put(pathOf(key), { metadata: { namespace: 'shop', name, generation: 1 } });
    }
    this.conditions.set(key, conditions);
    for (const changed of this.#followers) changed(key);
    return key;
  }

  /** As a process that begins to lead. */
  lead(): AbortController {
    const stop = new AbortController();
    running.push(stop);
    const writer = new StatusWriter({
      client: this.client,
      subjects: {
        keys: () => this.conditions.keys(),
        conditionsOf: (key) => this.conditions.get(key) ?? [],
        follow: (changed) => {
          this.#followers.add(changed);
          return () => void this.#followers.delete(changed);
        },
      },
      clock: this.time,
      random: () => 0.5,
      log: { ...silentLog, warn: (message: string) => void this.warnings.push(message) },
      wrote: (result) => void this.results.push(result),
    });
    void writer.run({ signal: stop.signal, isHeld: () => this.isHeld && !stop.signal.aborted });
    return stop;
  }

  status(name: string): unknown {
    return this.client.objects.get(pathOf(keyOf(name)))?.['status'];
  }
}

describe('a status', () => {
  it('is applied on /status under the name of Weir (kubernetes/K105)', async () => {
    const rig = new Rig();
    const key = rig.say('web', accepted(), complete('confirmed by 2 of 2 proxies'));
    rig.lead();
    await rig.time.advance(1_100);
    const [write] = rig.client.writes();
    expect(write).toMatchObject({
      method: 'PATCH',
      path: `${pathOf(key)}/status`,
      query: { fieldManager: 'weir', force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { namespace: 'shop', name: 'web' },
      },
    });
    expect(rig.status('web')).toEqual({
      observedGeneration: 1,
      conditions: [
        { ...accepted(), lastTransitionTime: '2023-11-14T22:13:20Z' },
        { ...complete('confirmed by 2 of 2 proxies'), lastTransitionTime: '2023-11-14T22:13:20Z' },
      ],
    });
  });

  it('that stands there already is not written again, however often somebody begins to lead (kubernetes/K105)', async () => {
    const rig = new Rig();
    for (let index = 0; index < 600; index++)
      rig.say(`web-${index}`, accepted(), complete('confirmed by 1 of 1 proxy'));
    const first = rig.lead();
    await rig.time.advance(60_000);
    expect(rig.client.writes()).toHaveLength(600);
    first.abort();
    rig.lead();
    await rig.time.advance(60_000);
    expect(rig.client.writes()).toHaveLength(600);
    expect(rig.client.requests.filter(({ query }) => query?.['limit'] === '500').length).toBeGreaterThanOrEqual(4);
  });

  it('keeps the time of a condition whose status stays', async () => {
    const rig = new Rig();
    rig.say('web', accepted(1), complete('a', 1));
    rig.lead();
    await rig.time.advance(10_000);
    rig.say('web', accepted(2), pending('b', 2));
    await rig.time.advance(10_000);
    expect(rig.status('web')).toMatchObject({
      observedGeneration: 2,
      conditions: [
        { type: 'Accepted', observedGeneration: 2, lastTransitionTime: '2023-11-14T22:13:20Z' },
        { type: 'Programmed', status: 'False', lastTransitionTime: '2023-11-14T22:13:31Z' },
      ],
    });
  });

  it('leaves the conditions of others out of what it compares', async () => {
    const rig = new Rig();
    rig.say('web', accepted());
    const first = rig.lead();
    await rig.time.advance(2_000);
    first.abort();
    const path = pathOf(keyOf('web'));
    const status = rig.status('web') as { conditions: readonly unknown[] };
    const conditions = [{ type: 'Reconciled', status: 'True' }, 7, ...status.conditions];
    rig.client.put(path, { ...rig.client.objects.get(path), status: { ...status, conditions } });
    rig.lead();
    await rig.time.advance(5_000);
    expect(rig.client.writes()).toHaveLength(1);
  });
});

describe('changes', () => {
  it('of one object that follow each other are one write, of what is so at its end (policy/P432)', async () => {
    const rig = new Rig();
    rig.say('web', accepted(1));
    rig.lead();
    await rig.time.advance(2_000);
    for (let generation = 2; generation <= 50; generation++) {
      rig.say('web', accepted(generation));
      await rig.time.advance(10);
    }
    await rig.time.advance(2_000);
    expect(rig.client.writes()).toHaveLength(2);
    expect(rig.status('web')).toMatchObject({ observedGeneration: 50 });
  });

  it('of many objects are written at a bounded rate: a hundred at once, then twenty a second (kubernetes/K105)', async () => {
    const rig = new Rig();
    for (let index = 0; index < 400; index++) rig.say(`web-${index}`, accepted());
    rig.lead();
    await rig.time.advance(1_000);
    expect(rig.client.writes().length).toBeGreaterThan(90);
    expect(rig.client.writes().length).toBeLessThanOrEqual(121);
    await rig.time.advance(5_000);
    expect(rig.client.writes().length).toBeLessThanOrEqual(221);
    await rig.time.advance(15_000);
    expect(rig.client.writes()).toHaveLength(400);
  });

  it('of what the proxies have confirmed are noticed although nobody tells of them', async () => {
    const rig = new Rig();
    const key = rig.say('web', accepted(), pending('confirmed by 0 of 1 proxy'));
    rig.lead();
    await rig.time.advance(3_000);
    rig.conditions.set(key, [accepted(), complete('confirmed by 1 of 1 proxy')]);
    await rig.time.advance(10_000);
    expect(rig.status('web')).toMatchObject({ conditions: [{}, { status: 'True' }] });
  });

  it('of the proxies alone wait: a restart takes what was confirmed away for a moment only', async () => {
    const rig = new Rig();
    const key = rig.say('web', accepted(), complete('confirmed by 3 of 3 proxies'));
    const first = rig.lead();
    await rig.time.advance(2_000);
    first.abort();
    rig.conditions.set(key, [accepted(), programmed('Unknown', 'NoProxies', 'no proxy')]);
    rig.lead();
    await rig.time.advance(20_000);
    rig.conditions.set(key, [accepted(), complete('confirmed by 3 of 3 proxies')]);
    await rig.time.advance(60_000);
    expect(rig.client.writes()).toHaveLength(1);
    rig.say('web', accepted(), programmed('Unknown', 'NoProxies', 'no proxy'));
    await rig.time.advance(70_000);
    expect(rig.status('web')).toMatchObject({ conditions: [{}, { reason: 'NoProxies' }] });
  });

  it('of what a proxy refuses do not wait (reliability/R19)', async () => {
    const rig = new Rig();
    rig.say('web', accepted(), complete('confirmed by 1 of 1 proxy'));
    rig.lead();
    await rig.time.advance(2_000);
    rig.say('web', accepted(), programmed('False', 'Rejected', 'no'));
    await rig.time.advance(1_500);
    expect(rig.status('web')).toMatchObject({ conditions: [{}, { reason: 'Rejected' }] });
  });

  it('of counts alone are written slowly, however many proxies come and go', async () => {
    const rig = new Rig();
    for (let index = 0; index < 50; index++) rig.say(`web-${index}`, accepted(), complete('confirmed by 1 of 1 proxy'));
    rig.lead();
    await rig.time.advance(10_000);
    for (let index = 0; index < 50; index++)
      rig.say(`web-${index}`, accepted(), complete('confirmed by 2 of 2 proxies'));
    await rig.time.advance(2_000);
    expect(rig.client.writes().length).toBeLessThanOrEqual(62);
    await rig.time.advance(3_600_000);
    expect(rig.client.writes()).toHaveLength(100);
  });
});

describe('when it cannot be written', () => {
  it('says once which right is missing, leaves the kind alone for a while, and catches up (kubernetes/K98)', async () => {
    const rig = new Rig();
    for (let index = 0; index < 50; index++) rig.say(`web-${index}`, accepted());
    rig.client.fault = ({ method }) => (method === 'PATCH' ? refused(403, 'Forbidden') : undefined);
    rig.lead();
    await rig.time.advance(600_000);
    expect(rig.warnings).toEqual([
      'Weir may not write status: it needs patch on virtualservices/status of networking.istio.io',
    ]);
    expect(rig.client.writes().length).toBeLessThanOrEqual(12);
    rig.client.fault = () => undefined;
    await rig.time.advance(120_000);
    expect(rig.status('web-49')).toBeDefined();
  });

  it('an object that is gone is forgotten', async () => {
    const rig = new Rig();
    const key = rig.say('web', accepted());
    rig.lead();
    await rig.time.advance(2_000);
    rig.client.objects.delete(pathOf(key));
    rig.say('other', accepted());
    rig.conditions.set(key, [accepted(2)]);
    rig.client.objects.delete(pathOf(key));
    await rig.time.advance(700_000);
    expect(rig.results.filter((result) => result === 'gone')).toHaveLength(1);
    expect(rig.status('other')).toBeDefined();
  });

  it('a server that does not answer is left alone for longer and longer, and nothing is lost', async () => {
    const rig = new Rig();
    for (let index = 0; index < 10; index++) rig.say(`web-${index}`, accepted());
    rig.client.fault = ({ method }) => (method === 'PATCH' ? new ApiError('unreachable', 'no route') : undefined);
    rig.lead();
    await rig.time.advance(300_000);
    expect(rig.client.writes().length).toBeLessThan(12);
    expect(rig.warnings).toHaveLength(1);
    rig.client.fault = () => undefined;
    await rig.time.advance(70_000);
    expect(rig.results.filter((result) => result === 'written')).toHaveLength(10);
  });

  it('a server that asks to be left alone is (Retry-After)', async () => {
    const rig = new Rig();
    rig.say('web', accepted());
    let answers = 0;
    rig.client.fault = ({ method }) =>
      method === 'PATCH' && answers++ === 0
        ? new ApiError('refused', 'slow down', { status: 429, retryAfterMs: 40_000 })
        : undefined;
    rig.lead();
    await rig.time.advance(39_000);
    expect(rig.client.writes()).toHaveLength(1);
    await rig.time.advance(5_000);
    expect(rig.status('web')).toBeDefined();
  });

  it('a racing write (409) is repeated, and a refused one (422) is not', async () => {
    const rig = new Rig();
    rig.say('web', accepted());
    const answers = [409, 422];
    rig.client.fault = ({ method }) => {
      const status = method === 'PATCH' ? answers.shift() : undefined;
      return status === undefined ? undefined : refused(status, 'no');
    };
    rig.lead();
    await rig.time.advance(60_000);
    expect(rig.client.writes()).toHaveLength(2);
    rig.say('web', accepted(2));
    await rig.time.advance(2_000);
    expect(rig.status('web')).toBeDefined();
  });

  it('nothing is written by who no longer leads, not even before it is told (kubernetes/K104)', async () => {
    const rig = new Rig();
    rig.lead();
    await rig.time.advance(1_000);
    rig.say('web', accepted());
    rig.isHeld = false;
    await rig.time.advance(60_000);
    expect(rig.client.writes()).toEqual([]);
  });

  it('a kind that comes later is written as well, in the version that there is', async () => {
    const rig = new Rig();
    const key = keyOf('web');
    const old = pathOf(key).replace('/v1/', '/v1beta1/');
    rig.client.put(old, { metadata: { namespace: 'shop', name: 'web' } });
    rig.conditions.set(key, [accepted()]);
    rig.client.fault = ({ path }) => (path.endsWith('/virtualservices') ? refused(404, 'NotFound') : undefined);
    rig.lead();
    await rig.time.advance(10_000);
    expect(rig.client.writes()).toEqual([]);
    rig.client.fault = ({ path }) => (path.endsWith('/v1/virtualservices') ? refused(404, 'NotFound') : undefined);
    await rig.time.advance(80_000);
    expect(rig.client.objects.get(old)?.['status']).toMatchObject({ observedGeneration: 1 });
  });
});
