import { apiVersionOf, type Resources } from './resources.ts';
import type { Json } from './stored-object.ts';

/** What `/api`, `/apis`, `/version` and what is below them say. */
export function discoveryOf(resources: Resources, path: string): Json | undefined {
  const groups = Map.groupBy(resources.all(), ({ group }) => group);
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.3', platform: 'linux/amd64' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') {
    const named = [...groups.keys()].filter((group) => group !== '');
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map((group) => groupOf(resources, group)) };
  }
  const found = /^\/(?:api\/(?<core>[^/]+)|apis\/(?<group>[^/]+)(?:\/(?<version>[^/]+))?)$/.exec(path)?.groups;
  if (found === undefined) return undefined;
  const { core, group = '', version = core } = found;
  if (!groups.has(group)) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(resources, group) };
  return resourceList(resources, group, version);
}

function groupOf(resources: Resources, group: string): Json {
  const served = resources.all().filter((resource) => resource.group === group);
  const versions = [...new Set(served.flatMap((resource) => resource.versions))].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(resources: Resources, group: string, version: string): Json | undefined {
  const served = resources.all().filter((each) => each.group === group && each.versions.includes(version));
  const [first] = served;
  if (first === undefined) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(first, version),
    resources: served.flatMap(({ plural, kind, namespaced, statusApart }) => {
      const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
      const whole = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs };
      return statusApart ? [whole, { ...whole, name: `${plural}/status`, verbs: ['get', 'patch', 'update'] }] : [whole];
    }),
  };
}
