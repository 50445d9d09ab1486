import { afterEach, describe, expect, it } from 'vitest';
import { aKubernetesService, HandFedRows, HandFedServer } from '../../../test/support/hand-fed-cluster.ts';
import { services } from '../../model/tables.ts';
import { silentLog } from '../../observe/log.ts';
import { RemoteClusters } from './remote-clusters.ts';

const secrets = 'secrets in weir-system';
const started: World[] = [];

/** Remote clusters whose servers are handed their objects, and a deadline that passes when the test says so. */
class World {
  readonly rows = new HandFedRows();
  readonly local = new HandFedServer();
  /** The servers that were connected to, the last of each cluster. */
  readonly servers = new Map<string, HandFedServer>();
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;
  #passDeadline: () => void = () => undefined;
  readonly #waiting = new Set<() => void>();

  constructor() {
    started.push(this);
    const { engine } = this.rows;
    engine.onCommit(() => this.#look());
    const clusters = new RemoteClusters({
      engine,
      admit: () => [],
      log: silentLog,
      clock: { now: () => 1000, monotonic: () => 1, after: (_, callback) => this.#onDeadline(callback) },
      connection: { server: 'https://local', reflect: this.local.reflect },
      namespace: 'weir-system',
      taken: new Set(['kubernetes']),
      connect: (name, cluster) => {
        const server = new HandFedServer();
        this.servers.set(name, server);
        this.opened.push(`${name} ${cluster.server}`);
        queueMicrotask(() => this.#look());
        const close = (): void => {
          this.closed.push(name);
          this.#look();
        };
        return { server: cluster.server, reflect: server.reflect, close };
      },
      writerOf: () => engine,
      domain: 'cluster.local',
      namespaces: {},
    });
    this.#running = clusters.run(this.#abort.signal);
  }

  passDeadline(): void {
    this.#passDeadline();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** The server of a cluster, once its basic kinds are asked for. */
  async server(name: string, opened = 1): Promise<HandFedServer> {
    const isThere = (): boolean => this.opened.filter((each) => each.startsWith(`${name} `)).length === opened;
    await this.until(() => isThere() && (this.servers.get(name)?.followed.length ?? 0) > 0);
    const server = this.servers.get(name);
    if (server === undefined) throw new Error(`${name} was not connected to`);
    return server;
  }

  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition()) resolve();
    };
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
  }

  get freshness(): string | undefined {
    return this.rows.sourceRow('remote-clusters')?.freshness;
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  #onDeadline(callback: () => void): () => void {
    this.#passDeadline = callback;
    return () => undefined;
  }
}

function aWorld(): World {
  return new World();
}

afterEach(async () => {
  for (const world of started.splice(0)) await world.stop();
});

function aKubeconfig(server: string, user: object = { token: 't' }): string {
  return JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
  });
}

function aSecret(name: string, kubeconfigs: Readonly<Record<string, string>>) {
  const data = Object.fromEntries(
    Object.entries(kubeconfigs).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  return { metadata: { name, namespace: 'weir-system' }, data };
}

describe('a remote cluster', () => {
  it('kubernetes/K115: is named by an entry of a Secret with the label, and is a source of its own', async () => {
    const world = aWorld();
    expect(world.local.selection(secrets)).toEqual({
      namespace: 'weir-system',
      labelSelector: 'weir.dev/remote-cluster=true',
    });
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east') }));
    world.local.synced(secrets);
    const east = await world.server('east');
    expect(world.rows.sourceRow('east')).toMatchObject({ freshness: 'unknown', target: 'https://east' });
    expect(world.freshness).toBe('unknown');
    east.put('services', aKubernetesService('web'));
    east.syncBasics();
    await world.until(() => world.freshness === 'synced');
    expect(world.rows.sourceRow('east')?.freshness).toBe('synced');
    expect(world.rows.keys(services)).toEqual(['shop/web.shop.svc.cluster.local']);
    // Its rules are its own affair.
    expect(east.followed.filter((each) => each.startsWith('customresourcedefinitions'))).toEqual([]);
  });

  it('kubernetes/K115: that would run a program is not connected to, and its author hears why', async () => {
    const world = aWorld();
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh' } };
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east', user) }));
    world.local.synced(secrets);
    await world.until(() => world.rows.problems.length > 0);
    expect(world.rows.problems).toEqual(['Secret weir-system/remote WEIR2101 data.east.users[0].user.exec']);
    expect(world.rows.sourceRow('east')).toMatchObject({
      freshness: 'unknown',
      reason: 'its kubeconfig cannot be used',
    });
    expect(world.opened).toEqual([]);
    expect(world.freshness).toBe('synced');
  });

  it('reliability/R28: that is dark keeps Weir from being ready for a limited time only', async () => {
    const world = aWorld();
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east') }));
    world.local.synced(secrets);
    const east = await world.server('east');
    east.health('services', { kind: 'unknown', reason: 'connection refused' });
    expect(world.rows.sourceRow('remote-clusters')).toMatchObject({
      freshness: 'unknown',
      reason: 'waiting for east',
    });
    world.passDeadline();
    expect(world.freshness).toBe('synced');
    expect(world.rows.sourceRow('east')).toMatchObject({
      freshness: 'unknown',
      reason: 'services: connection refused',
    });
  });

  it('kubernetes/K116: that becomes dark keeps its rows, marked', async () => {
    const world = aWorld();
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east') }));
    world.local.synced(secrets);
    const east = await world.server('east');
    east.put('services', aKubernetesService('web'));
    east.syncBasics();
    east.health('services', { kind: 'stale', reason: 'connection refused' });
    expect(world.rows.sourceRow('east')?.freshness).toBe('stale');
    expect(world.rows.keys(services)).toHaveLength(1);
  });

  it('kubernetes/K116: goes with its Secret', async () => {
    const world = aWorld();
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east') }));
    world.local.synced(secrets);
    const east = await world.server('east');
    east.put('services', aKubernetesService('web'), aKubernetesService('bad', 'shop', 0));
    east.syncBasics();
    world.local.remove(secrets, 'weir-system/remote');
    expect(world.rows.keys(services)).toEqual([]);
    expect(world.rows.problems).toEqual([]);
    expect(world.rows.sourceRow('east')).toBeUndefined();
    await world.until(() => world.closed.length > 0);
    expect(east.followed).toEqual([]);
  });

  it('is followed by a new way without a gap when its kubeconfig changes', async () => {
    const world = aWorld();
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east') }));
    world.local.synced(secrets);
    const old = await world.server('east');
    old.put('services', aKubernetesService('web'), aKubernetesService('gone'));
    old.syncBasics();
    world.local.put(secrets, aSecret('remote', { east: aKubeconfig('https://east:8443') }));
    const east = await world.server('east', 2);
    expect(world.rows.keys(services)).toHaveLength(2);
    east.put('services', aKubernetesService('web'));
    east.syncBasics();
    expect(world.rows.keys(services)).toEqual(['shop/web.shop.svc.cluster.local']);
    expect(world.rows.sourceRow('east')).toMatchObject({ freshness: 'synced', target: 'https://east:8443' });
    await world.until(() => world.closed.length > 0);
    expect(world.closed).toEqual(['east']);
  });

  it('is named once, by the first Secret, and not as a source of Weir', async () => {
    const world = aWorld();
    world.local.put(
      secrets,
      aSecret('b', { east: aKubeconfig('https://second'), kubernetes: '', Bad_: '' }),
      aSecret('a', { east: aKubeconfig('https://first') }),
    );
    world.local.synced(secrets);
    await world.server('east');
    expect(world.opened).toEqual(['east https://first']);
    expect(world.rows.problems).toEqual([
      'Secret weir-system/b WEIR1019 data.Bad_',
      'Secret weir-system/b WEIR2010 data.east',
      'Secret weir-system/b WEIR2010 data.kubernetes',
    ]);
  });
});

describe('the Secrets', () => {
  it('may be none', () => {
    const world = aWorld();
    expect(world.freshness).toBe('unknown');
    world.local.synced(secrets);
    expect(world.freshness).toBe('synced');
  });

  it('that may not be read are said, and hold nothing up for ever', () => {
    const world = aWorld();
    world.local.health(secrets, { kind: 'forbidden', reason: 'cannot list secrets' });
    expect(world.rows.problems).toEqual(['secrets WEIR2103']);
    expect(world.freshness).toBe('unknown');
    world.passDeadline();
    expect(world.rows.sourceRow('remote-clusters')).toMatchObject({
      freshness: 'stale',
      reason: 'secrets in weir-system: cannot list secrets',
    });
  });
});
