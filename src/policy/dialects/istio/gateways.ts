import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import { checkName, itemsOf } from './values.ts';

/** The reserved word for all sidecars (policy T5). */
export const meshGateway = 'mesh';

/**
 * Gateways as `namespace/name`, or `mesh`; a name alone is one of the object's namespace (policy T5).
 *
 * @returns undefined when nothing was said
 */
export function decodeGateways(
  gateways: readonly (string | undefined)[] | undefined,
  path: string,
  reading: Reading,
): readonly string[] | undefined {
  const items = itemsOf(gateways, path);
  if (items.length === 0) return undefined;
  return items.map(({ item, at }) => fullGateway(item, at, reading));
}

function fullGateway(gateway: string, path: string, reading: Reading): string {
  if (gateway === meshGateway) return gateway;
  const [first = '', second, ...more] = gateway.split('/');
  if (more.length > 0) {
    reading.error('WEIR1019', path, `the gateway ${quote(gateway)} has more than one slash`, 'write namespace/name');
    return gateway;
  }
  if (second !== undefined) {
    checkName(first, 'namespace', path, reading);
    checkName(second, 'gateway', path, reading);
    return gateway;
  }
  // The oldest form: name.namespace, or the full name of a service.
  const [name = '', namespace] = first.split('.');
  if (namespace !== undefined) reading.deprecated(path, `${namespace}/${name}`);
  checkName(name, 'gateway', path, reading);
  return `${namespace ?? reading.namespace}/${name}`;
}
