import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { accessKeyCredentials, noCredentials, type NacosCredentials } from '../discovery/nacos/client/credentials.ts';
import type { ReadTls } from '../discovery/nacos/client/http-exchange.ts';
import { Login } from '../discovery/nacos/client/login.ts';
import { NacosSource } from '../discovery/nacos/nacos-source.ts';
import type { Registry, RegistryContext } from '../discovery/registry.ts';
import type { Metrics } from '../observe/metrics.ts';
import { measureNacos } from './nacos-metrics.ts';
import type { RegistryLayers } from './registry-layers.ts';
import type { Settings } from './settings.ts';
import { timedClock } from './system-clock.ts';

export interface NacosOptions {
  readonly settings: Settings;
  readonly layers: Pick<RegistryLayers, 'writerOf'>;
  readonly context: Omit<RegistryContext, 'engine' | 'clock'>;
  readonly metrics: Metrics;
  readonly version: string;
}

/** Files, the cluster and further clusters come before it. */
const rank = 3;
const everything = '*';

/**
 * A Nacos as a source, if it is asked for. Nothing runs yet.
 *
 * @throws Error when the secret of an access key cannot be read
 */
export function nacosRegistries(options: NacosOptions): readonly Registry[] {
  const { settings, layers, context, metrics, version } = options;
  const { nacos: servers, nacosGroups: groups } = settings;
  if (servers === undefined) return [];
  const name = 'nacos';
  const source = new NacosSource({
    ...context,
    name,
    engine: layers.writerOf({ name, kind: 'nacos', rank }),
    clock: timedClock,
    random: Math.random,
    servers,
    grpcPortOffset: settings.nacosGrpcPortOffset,
    tls: readTlsOf(settings),
    credentials: credentialsOf(options),
    namespaces: settings.nacosNamespaces,
    groups: groups.includes(everything) ? undefined : groups,
    hosts: settings.nacosHosts === 'nacos' ? { kind: 'nacos' } : { kind: 'kubernetes', domain: settings.domain },
    pace: {
      listPeriod: settings.nacosListPeriod,
      auditPeriod: settings.nacosAuditPeriod,
      concurrency: settings.nacosConcurrency,
    },
    allowed: settings.nacosAddresses,
    version,
  });
  measureNacos(source, metrics);
  return [source];
}

function credentialsOf({ settings, context }: NacosOptions): NacosCredentials {
  const { nacosUsername: username, nacosPasswordFile: passwordFile } = settings;
  const { nacosAccessKey: id, nacosSecretKeyFile: secretFile } = settings;
  if (id !== undefined && secretFile !== undefined) {
    return accessKeyCredentials({ id, secret: readFileSync(secretFile, 'utf8').trim() }, () => timedClock.now());
  }
  if (username === undefined || passwordFile === undefined) return noCredentials;
  return new Login({
    servers: settings.nacos ?? [],
    tls: readTlsOf(settings),
    contextPath: settings.nacosContextPath,
    account: async () => ({ username, password: (await readFile(passwordFile, 'utf8')).trim() }),
    clock: timedClock,
    random: Math.random,
    log: context.log,
  });
}

function readTlsOf(settings: Settings): ReadTls | undefined {
  const { nacosTls, nacosTlsCa: authorities, nacosTlsCert: certificate, nacosTlsKey: key } = settings;
  if (nacosTls !== true) return undefined;
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  return async () => ({
    authorities: authorities === undefined ? undefined : await read(authorities),
    ...(certificate === undefined || key === undefined
      ? {}
      : { identity: { certificate: await read(certificate), key: await read(key) } }),
  });
}
