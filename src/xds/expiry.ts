import { versionOf } from './content-version.ts';
import type * as envoy from './envoy.ts';
import { milliseconds } from './envoy.ts';
import type { Flight } from './flight.ts';
import { messageOf, sotwEntry } from './fragment.ts';
import type { Wire } from './observer.ts';
import { encode, pack, typeUrlOf } from './proto.ts';
import { resourceTypeByName } from './resource-types.ts';
import type { Resource } from './resources.ts';

/**
 * How a resource that is good for a limited time stands in a response (xds-protocol X72). Clients that do not understand that
 * are sent the resource as any other.
 */

/** What of a response its entries depend on. */
type ResponseKind = Pick<Flight, 'version' | 'isHeartbeat'>;

/** The entries of resources with their time, for all streams that send them. */
const entries: Readonly<Record<Wire, WeakMap<Resource, Uint8Array>>> = { delta: new WeakMap(), sotw: new WeakMap() };

/**
 * A resource that clients drop when they hear nothing of it for some time. Its version covers the time, so that another time, or
 * none any more, is a change like any other (X73).
 *
 * @param ttl milliseconds
 */
export function expiring(resource: Resource, ttl: number): Resource {
  const version = versionOf(Buffer.from(`${resource.version} ${ttl}`));
  const [first = new Uint8Array(0), ...others] = resource.fragment;
  const head = Buffer.allocUnsafeSlow(first.length);
  head.set(first);
  // The version is the first text in a fragment.
  head.write(version, head.indexOf(resource.version), 'latin1');
  return { ...resource, version, fragment: [head, ...others], ttl };
}

/**
 * The `resources` entry of a resource in a response, tag and length included, in pieces.
 *
 * @param takesExpiry whether the client understands that resources expire
 */
export function entryOf(
  wire: Wire,
  resource: Resource,
  response: ResponseKind,
  takesExpiry: boolean,
): readonly Uint8Array[] {
  if (response.isHeartbeat) return [heartbeatEntry(wire, resource, response)];
  if (takesExpiry && resource.ttl !== undefined) return [expiringEntry(wire, resource)];
  return wire === 'delta' ? resource.fragment : sotwEntry(resource.fragment);
}

function expiringEntry(wire: Wire, resource: Resource): Uint8Array {
  let entry = entries[wire].get(resource);
  if (entry !== undefined) return entry;
  const type = resourceTypeByName(resource.type);
  const any = { typeUrl: type === undefined ? '' : typeUrlOf(type.message), value: messageOf(resource) };
  entry = framed(wire, { ...headOf(resource, resource.version), resource: any });
  entries[wire].set(resource, entry);
  return entry;
}

/** Prolongs what the client has by its time, without a body. */
function heartbeatEntry(wire: Wire, resource: Resource, { version }: ResponseKind): Uint8Array {
  // A state-of-the-world client compares it with the version of the whole.
  return framed(wire, headOf(resource, wire === 'delta' ? resource.version : version));
}

function headOf({ name, ttl }: Resource, version: string): envoy.Resource {
  return { name, version, ttl: ttl === undefined ? undefined : milliseconds(ttl) };
}

function framed(wire: Wire, resource: envoy.Resource): Uint8Array {
  if (wire === 'delta') return encode('envoy.service.discovery.v3.DeltaDiscoveryResponse', { resources: [resource] });
  const wrapped = pack('envoy.service.discovery.v3.Resource', resource);
  return encode('envoy.service.discovery.v3.DiscoveryResponse', { resources: [wrapped] });
}
