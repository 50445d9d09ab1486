import { describe, expect, test } from 'vitest';
import { aMesh, aPeerAuthentication, aPod, aProxy, put, remove, type ARow } from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import type { Query } from '../incremental/definitions.ts';
import { partsOfConfigKey, proxyKey } from '../model/keys.ts';
import { equalLists } from './equality.ts';
import type { Labels } from './label-match.ts';
import { scopeFactsOf, scopesOf } from './scope.ts';
import { objectsForWorkload } from './workload-selectors.ts';

const selecting = (matchLabels: Labels, mode = 'STRICT') => ({ selector: { matchLabels }, mtls: { mode } });

const web = { app: 'web', version: 'v1', hash: '1' };

/** A pod with its proxy. */
function aWorkload(name: string, labels: Labels, address: string) {
  return [aPod(name, { addresses: [address], labels }), aProxy(name, { addresses: [address] })];
}

function labelsOf(engine: Engine, proxy: string): Labels {
  const [, inbound] = engine.read(scopesOf, proxyKey(proxy)).listener;
  return scopeFactsOf(inbound!, 'inbound').labels;
}

describe('labels in inbound scopes', () => {
  const engineWith = (...policies: readonly ARow[]) =>
    aMesh(...aWorkload('web-1', web, '10.0.0.1'), ...aWorkload('db-1', { app: 'db' }, '10.0.0.2'), ...policies);

  test('are those by which objects select the workload, and no others', () => {
    const engine = engineWith();
    expect(labelsOf(engine, 'web-1')).toEqual({});
    let followed = 0;
    engine.watch(scopesOf, proxyKey('web-1'), () => followed++);
    engine.watch(scopesOf, proxyKey('db-1'), () => followed++);
    const policy = aPeerAuthentication('web', selecting({ app: 'web' }));
    put(engine, policy);
    expect(labelsOf(engine, 'web-1')).toEqual({ app: 'web' });
    expect(followed).toBe(1);
    put(engine, aPeerAuthentication('more', selecting({ app: 'web', version: 'v1' })));
    expect(labelsOf(engine, 'web-1')).toEqual({ app: 'web', version: 'v1' });
    // The second selector names the label too.
    remove(engine, policy);
    expect(labelsOf(engine, 'web-1')).toEqual({ app: 'web', version: 'v1' });
    expect(followed).toBe(2);
  });

  test('leave out selectors that need a label more than the workload has', () => {
    const engine = engineWith(aPeerAuthentication('web', selecting({ app: 'web', version: 'v2' })));
    expect(labelsOf(engine, 'web-1')).toEqual({});
  });

  test('leave out those of other namespaces', () => {
    const engine = engineWith(aPeerAuthentication('web', selecting({ app: 'web' }), { namespace: 'other' }));
    expect(labelsOf(engine, 'web-1')).toEqual({});
  });

  test('policy/G7: leave out those of PeerAuthentications in the root namespace', () => {
    const engine = engineWith(aPeerAuthentication('web', selecting({ app: 'web' }), { namespace: 'weir-system' }));
    expect(labelsOf(engine, 'web-1')).toEqual({});
  });

  test('stay the same when what an object says of its workloads changes', () => {
    const engine = engineWith(aPeerAuthentication('web', selecting({ app: 'web' }, 'STRICT')));
    engine.watch(scopesOf, proxyKey('web-1'), () => expect.unreachable());
    const { reran } = put(engine, aPeerAuthentication('web', selecting({ app: 'web' }, 'DISABLE')));
    expect(reran.get('scopesOf')).toBeUndefined();
  });
});

describe('objects for a workload', () => {
  const policiesFor: Query<string, readonly string[]> = {
    name: 'policiesFor',
    compute: (read, namespace) =>
      objectsForWorkload(read, 'security.istio.io/PeerAuthentication', namespace, web).map(
        (key) => `${partsOfConfigKey(key).namespace}/${partsOfConfigKey(key).name}`,
      ),
    equal: equalLists,
  };

  test('policy/G6, policy/G7: those of its namespace and of the root namespace that select it or everything', () => {
    const engine = aMesh(
      aPeerAuthentication('mesh', {}, { namespace: 'weir-system' }),
      aPeerAuthentication('ignored', selecting({ app: 'web' }), { namespace: 'weir-system' }),
      aPeerAuthentication('all', {}),
      aPeerAuthentication('web', selecting({ app: 'web', version: 'v1' })),
      aPeerAuthentication('db', selecting({ app: 'db' })),
      aPeerAuthentication('elsewhere', {}, { namespace: 'other' }),
    );
    expect(engine.read(policiesFor, 'shop').toSorted()).toEqual(['shop/all', 'shop/web', 'weir-system/mesh']);
    expect(engine.read(policiesFor, 'weir-system')).toEqual(['weir-system/mesh']);
  });
});
