/** A kind of object, as the paths of an API server name it. */
export interface PathResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** For example `endpointslices`. */
  readonly plural: string;
}

export interface PathOptions {
  /** undefined: all namespaces, or an object that has none. */
  readonly namespace?: string;
  /** undefined: the whole collection. */
  readonly name?: string;
  /** For example `status`. */
  readonly subresource?: string;
}

/** The path of a collection, an object or a part of it: `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/web-1`. */
export function apiPath(
  { group, version, plural }: PathResource,
  { namespace, name, subresource }: PathOptions = {},
): string {
  const root = group === '' ? ['api', version] : ['apis', group, version];
  const place = namespace === undefined ? [plural] : ['namespaces', namespace, plural];
  const object = [name, subresource].filter((part) => part !== undefined);
  return `/${[...root, ...place, ...object].map(encodeURIComponent).join('/')}`;
}
