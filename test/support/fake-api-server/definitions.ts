import type { ApiResource } from '../../../src/discovery/kubernetes/reflector/reflected.ts';
import type { Draft } from './direct-writes.ts';

/** The definition of a custom kind of which nothing is checked. */
export function aDefinition({ group, version, plural, kind }: ApiResource): Draft {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}
