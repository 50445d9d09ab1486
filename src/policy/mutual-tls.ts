import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import { compositeKey, partsOf, type ScopeKey } from '../model/keys.ts';
import type { MutualTlsMode } from '../model/mutual-tls.ts';
import type { Provenance } from '../model/provenance.ts';
import { readPeerAuthentication } from './decoded-objects.ts';
import type { DecodedPeerAuthentication } from './dialects/istio/decoded.ts';
import type { Labels } from './label-match.ts';
import { rootNamespace } from './mesh.ts';
import { scopeFactsOf } from './scope.ts';
import { recordOf, recordText } from './scope-text.ts';
import { objectsForWorkload } from './workload-selectors.ts';

/** What a workload takes of those who call it (policy P1, P2), and which objects say so. */
export interface EffectiveMutualTls {
  readonly mode: MutualTlsMode;
  /** Of ports of the workload for which another mode is set. */
  readonly ports: ReadonlyMap<number, MutualTlsMode>;
  readonly provenance: readonly Provenance[];
}

/** Where nothing is said. */
const defaultMutualTls: EffectiveMutualTls = { mode: 'permissive', ports: new Map(), provenance: [] };

/** In the key of a mode: the ports that have none of their own. */
export const otherPorts = 0;

export function mutualTlsKey(namespace: string, labels: Labels): string {
  return compositeKey(namespace, recordText(labels));
}

/**
 * For the workloads of a namespace that carry certain labels: mesh, namespace, workload, port; what is unset inherits, and of several objects
 * in one place the oldest counts (policy P1). The key is `mutualTlsKey`, labels being those by which objects select the workload.
 */
export const mutualTlsOf: Query<string, EffectiveMutualTls> = {
  name: 'mutualTlsOf',
  compute(read, key) {
    const [namespace = '', labels = ''] = partsOf(key);
    const { mesh, ofNamespace, ofWorkload } = deciding(read, namespace, recordOf(labels));
    const inOrder = [ofWorkload, ofNamespace, mesh].filter((object) => object !== undefined);
    if (inOrder.length === 0) return defaultMutualTls;
    const author = inOrder.find(({ mode }) => mode !== undefined);
    const ports = ofWorkload?.ports ?? defaultMutualTls.ports;
    return {
      mode: author?.mode ?? defaultMutualTls.mode,
      ports,
      provenance: [
        ...(author === undefined ? [] : [{ ...author.reference, path: 'spec.mtls' }]),
        ...(ofWorkload === undefined || ports.size === 0
          ? []
          : [{ ...ofWorkload.reference, path: 'spec.portLevelMtls' }]),
      ],
    };
  },
  equal: isDeepStrictEqual,
};

interface Deciding {
  readonly mesh: DecodedPeerAuthentication | undefined;
  readonly ofNamespace: DecodedPeerAuthentication | undefined;
  readonly ofWorkload: DecodedPeerAuthentication | undefined;
}

function deciding(read: Read, namespace: string, labels: Labels): Deciding {
  const root = read(rootNamespace, 'mesh');
  const objects = objectsForWorkload(read, 'security.istio.io/PeerAuthentication', namespace, labels)
    .map((key) => readPeerAuthentication(read, key))
    .filter((object) => object !== undefined)
    .toSorted(compareByAge);
  return {
    mesh: objects.find((object) => object.namespace === root && object.selector === undefined),
    ofNamespace: objects.find((object) => object.namespace !== root && object.selector === undefined),
    ofWorkload: objects.find((object) => object.selector !== undefined),
  };
}

/** The mode of a port of a workload, or of `otherPorts`. */
export function modeOfPort({ mode, ports }: EffectiveMutualTls, port: number): MutualTlsMode {
  return ports.get(port) ?? mode;
}

/** For the workloads of an inbound scope. */
export function mutualTlsOfScope(read: Read, scope: ScopeKey): EffectiveMutualTls {
  const { namespace, labels } = scopeFactsOf(scope, 'inbound');
  return read(mutualTlsOf, mutualTlsKey(namespace, labels));
}

/** The mode of one port. The key is `scope port`, the scope an inbound one, the port one of the workload or `otherPorts`. */
export const mutualTlsMode: Query<string, MutualTlsMode> = {
  name: 'mutualTlsMode',
  compute(read, key) {
    const [scope = '', port = ''] = partsOf(key);
    return modeOfPort(mutualTlsOfScope(read, scope as ScopeKey), Number(port));
  },
};
