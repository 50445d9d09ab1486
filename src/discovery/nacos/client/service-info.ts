import { isMessage, listField, numberField, textField, type JsonMessage } from './json-message.ts';
import { NacosError } from './nacos-error.ts';

/** A service of one namespace. */
export interface ServiceName {
  readonly group: string;
  readonly service: string;
}

/** All that the server knows of a service at one moment (registries N18). What instances say of themselves has not been looked at yet. */
export interface ServiceInfo {
  readonly name: ServiceName;
  readonly instances: readonly JsonMessage[];
  /** Milliseconds since 1970 by the server's clock: of use only beside others of the same connection (registries N32). */
  readonly refreshedAt: number;
  /** So few instances are healthy that the server calls all of them healthy (registries N19). */
  readonly isProtected: boolean;
}

const separator = '@@';

/** `group@@service`: Nacos' own way to write it. */
export function nameText({ group, service }: ServiceName): string {
  return `${group}${separator}${service}`;
}

/**
 * @param fallback what was asked for, where the answer does not say it
 * @throws NacosError when there is no list of instances: that is not an empty list (registries N45)
 */
export function readServiceInfo(value: unknown, fallback: ServiceName | undefined): ServiceInfo {
  const hosts = isMessage(value) ? listField(value, 'hosts') : undefined;
  if (!isMessage(value) || hosts === undefined)
    throw new NacosError('malformed', 'Nacos gives a service without hosts');
  const said = nameOf(value);
  const name = said ?? fallback;
  if (name === undefined) throw new NacosError('malformed', 'Nacos gives a service without a name');
  return {
    name,
    instances: hosts.filter(isMessage),
    refreshedAt: numberField(value, 'lastRefTime') ?? 0,
    isProtected: value['reachProtectionThreshold'] === true,
  };
}

function nameOf(info: JsonMessage): ServiceName | undefined {
  const whole = textField(info, 'name') ?? '';
  const at = whole.indexOf(separator);
  if (at >= 0) return { group: whole.slice(0, at), service: whole.slice(at + separator.length) };
  const group = textField(info, 'groupName') ?? '';
  return whole === '' || group === '' ? undefined : { group, service: whole };
}

/**
 * The service of a key of a fuzzy watch: `namespace@@group@@service`; undefined when it is none of the namespace.
 */
export function nameOfKey(key: string, namespace: string): ServiceName | undefined {
  const [keyNamespace = '', group = '', ...rest] = key.split(separator);
  const service = rest.join(separator);
  return keyNamespace !== namespace || group === '' || service === '' ? undefined : { group, service };
}

/** The key of a service in a fuzzy watch. */
export function keyOfName(namespace: string, name: ServiceName): string {
  return `${namespace}${separator}${nameText(name)}`;
}
