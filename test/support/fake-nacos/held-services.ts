/** The services of a Nacos that is played: who is registered where. */

export interface FakeInstance {
  readonly ip: string;
  readonly port: number;
  readonly weight?: number;
  readonly healthy?: boolean;
  readonly enabled?: boolean;
  readonly clusterName?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface FakeServiceName {
  /** Default: `public`. */
  readonly namespace?: string;
  /** Default: `DEFAULT_GROUP`. */
  readonly group?: string;
  readonly service: string;
}

/** All three names, as text that is a key of a fuzzy watch. */
export function keyOf({ namespace = 'public', group = 'DEFAULT_GROUP', service }: FakeServiceName): string {
  return `${namespace}@@${group}@@${service}`;
}

export class HeldServices {
  /** By key and by who registered them; the empty text stands for the test itself. */
  readonly #services = new Map<string, Map<string, readonly FakeInstance[]>>();
  readonly #protected = new Set<string>();
  /** Hears of every change; `before` and `now` are numbers of instances. */
  changed: (key: string, before: number, now: number) => void = () => undefined;

  get(key: string): readonly FakeInstance[] {
    return [...(this.#services.get(key)?.values() ?? [])].flat();
  }

  set(name: FakeServiceName, instances: readonly FakeInstance[]): void {
    this.register('', keyOf(name), instances);
  }

  /** What one client has registered is now this. */
  register(owner: string, key: string, instances: readonly FakeInstance[]): void {
    const before = this.get(key).length;
    const owned = this.#services.get(key) ?? new Map<string, readonly FakeInstance[]>();
    this.#services.set(key, owned.set(owner, instances));
    this.changed(key, before, this.get(key).length);
  }

  registeredBy(owner: string, key: string): readonly FakeInstance[] {
    return this.#services.get(key)?.get(owner) ?? [];
  }

  /** A client is gone, and everything that it registered. */
  deregisterAll(owner: string): void {
    for (const [key, owned] of this.#services) if (owned.has(owner)) this.register(owner, key, []);
  }

  /** The cleaner of empty services has come by. */
  forget(name: FakeServiceName): void {
    this.#services.delete(keyOf(name));
  }

  /** Everything is gone, as after the loss of a server's memory. */
  wipe(): void {
    const keys = [...this.#services.keys()];
    this.#services.clear();
    for (const key of keys) this.changed(key, 1, 0);
  }

  protect(name: FakeServiceName): void {
    this.#protected.add(keyOf(name));
  }

  /** Names in one group, in no order that anybody could count on. */
  namesIn(namespace: string, group: string): readonly string[] {
    const prefix = `${namespace}@@${group}@@`;
    return [...this.#services.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  /** Keys of the services with instances that a pattern `namespace>>group>>service` means. */
  matching(pattern: string): readonly string[] {
    return [...this.#services.keys()].filter((key) => this.get(key).length > 0 && matches(key, pattern));
  }

  /** As `serviceInfo` on the wire. */
  infoOf(key: string, lastRefTime: number, allIps: string): Readonly<Record<string, unknown>> {
    const [, groupName = '', ...rest] = key.split('@@');
    const name = rest.join('@@');
    const isProtected = this.#protected.has(key);
    const hosts = this.get(key)
      .filter(({ enabled = true }) => enabled)
      .map((instance) => ({
        instanceId: `${instance.ip}#${instance.port}#DEFAULT#${name}`,
        weight: 1,
        enabled: true,
        ephemeral: true,
        clusterName: 'DEFAULT',
        serviceName: `${groupName}@@${name}`,
        metadata: {},
        ...instance,
        healthy: isProtected || (instance.healthy ?? true),
        instanceHeartBeatInterval: 5000,
        instanceHeartBeatTimeOut: 15_000,
        ipDeleteTimeout: 30_000,
      }));
    const common = { name, groupName, clusters: '', cacheMillis: 10_000, hosts, lastRefTime, checksum: '' };
    return { ...common, [allIps]: false, reachProtectionThreshold: isProtected, valid: true };
  }
}

/** The namespace is literal; `*` stands at either end of the other two (registries N21). */
export function matches(key: string, pattern: string): boolean {
  const [namespace = '', group = '', ...service] = key.split('@@');
  const [wantedNamespace, wantedGroup = '', wantedService = ''] = pattern.split('>>');
  return namespace === wantedNamespace && fits(group, wantedGroup) && fits(service.join('@@'), wantedService);
}

function fits(text: string, pattern: string): boolean {
  const core = pattern.replaceAll('*', '');
  if (pattern === core) return text === core;
  if (pattern.startsWith('*') && pattern.endsWith('*')) return text.includes(core);
  return pattern.startsWith('*') ? text.endsWith(core) : text.startsWith(core);
}
