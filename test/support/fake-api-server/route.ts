export type Verb = 'list' | 'watch' | 'get' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** What a request asks for, by its method, path and query. */
export interface Route {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const verbsOfOne: Readonly<Record<string, Verb>> = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const verbsOfMany: Readonly<Record<string, Verb>> = { GET: 'list', POST: 'create', DELETE: 'deletecollection' };

/** undefined: no path of an object or a list of them. */
export function routeOf(method: string, path: string, query: URLSearchParams): Route | undefined {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const [group = '', version = ''] = core ? ['', parts[1]] : [parts[1], parts[2]];
  const rest = parts.slice(core ? 2 : 3);
  // `namespaces/shop/status` is about the namespace; `namespaces/shop/pods` about what is in it.
  const inside = rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '');
  const [plural, name, subresource] = inside ? rest.slice(2) : rest;
  if (plural === undefined || plural === '') return undefined;
  // Something that is made below an object, like a token, is created though its path names the object.
  const made = method === 'POST' && subresource !== undefined;
  const verb = made ? 'create' : (name === undefined ? verbsOfMany : verbsOfOne)[method];
  if (verb === undefined) return undefined;
  const watched = verb === 'list' && ['true', '1'].includes(query.get('watch') ?? '');
  const namespace = inside ? rest[1] : undefined;
  return { verb: watched ? 'watch' : verb, group, version, plural, namespace, name, subresource };
}
