import { describe, expect, test } from 'vitest';
import { aMesh, aPeerAuthentication, aPod, aProxy, put, type ARow } from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { compositeKey, proxyKey } from '../model/keys.ts';
import { mutualTlsMode, otherPorts } from './mutual-tls.ts';
import { scopesOf } from './scope.ts';

const labels = { app: 'web', version: 'v1' };
const web = { selector: { matchLabels: { app: 'web' } } };
const root = { namespace: 'weir-system' };

const meshWith = (...policies: readonly ARow[]) =>
  aMesh(aPod('web-1', { addresses: ['10.0.0.1'], labels }), aProxy('web-1', { addresses: ['10.0.0.1'] }), ...policies);

function modeAt(engine: Engine, port = otherPorts): string {
  const [, inbound = ''] = engine.read(scopesOf, proxyKey('web-1')).listener;
  return engine.read(mutualTlsMode, compositeKey(inbound, port));
}

const mode = (text: string) => ({ mtls: { mode: text } });

describe('the mode of a workload', () => {
  test('policy/P1: nothing set is PERMISSIVE', () => {
    expect(modeAt(meshWith())).toBe('permissive');
  });

  test('policy/P1: mesh, over it namespace, over it workload, over it port', () => {
    const engine = meshWith(aPeerAuthentication('mesh', mode('STRICT'), root));
    expect(modeAt(engine)).toBe('strict');
    put(engine, aPeerAuthentication('shop', mode('DISABLE')));
    expect(modeAt(engine)).toBe('disable');
    put(engine, aPeerAuthentication('web', { ...web, ...mode('PERMISSIVE') }));
    expect(modeAt(engine)).toBe('permissive');
    put(
      engine,
      aPeerAuthentication('web', { ...web, ...mode('PERMISSIVE'), portLevelMtls: { 8080: { mode: 'STRICT' } } }),
    );
    expect([modeAt(engine), modeAt(engine, 8080), modeAt(engine, 80)]).toEqual(['permissive', 'strict', 'permissive']);
  });

  test('policy/P1: UNSET inherits at every step', () => {
    const engine = meshWith(
      aPeerAuthentication('mesh', mode('STRICT'), root),
      aPeerAuthentication('shop', mode('UNSET')),
      aPeerAuthentication('web', { ...web, portLevelMtls: { 8080: { mode: 'UNSET' }, 81: { mode: 'DISABLE' } } }),
    );
    expect([modeAt(engine), modeAt(engine, 8080), modeAt(engine, 81)]).toEqual(['strict', 'strict', 'disable']);
  });

  test('policy/P1, policy/G4: among equals the oldest wins, wholly', () => {
    const ports = { portLevelMtls: { 8080: { mode: 'DISABLE' } } };
    const engine = meshWith(
      aPeerAuthentication('younger', { ...web, ...mode('DISABLE'), ...ports }, { createdAt: 2 }),
      aPeerAuthentication(
        'older',
        { selector: { matchLabels: { version: 'v1' } }, ...mode('STRICT') },
        { createdAt: 1 },
      ),
      aPeerAuthentication('b', mode('DISABLE'), { createdAt: 1 }),
      aPeerAuthentication('a', mode('PERMISSIVE'), { createdAt: 1 }),
    );
    expect([modeAt(engine), modeAt(engine, 8080)]).toEqual(['strict', 'strict']);
  });

  test('policy/P2: ports without selector are not in force', () => {
    const engine = meshWith(
      aPeerAuthentication('shop', { ...mode('STRICT'), portLevelMtls: { 8080: { mode: 'DISABLE' } } }),
    );
    expect(modeAt(engine, 8080)).toBe('strict');
  });

  test('of a policy that cannot be read is STRICT, for the workloads that it names', () => {
    const wrong = { mtls: { mode: 'DISABEL' }, portLevelMtls: { 8080: { mode: 'DISABLE' } } };
    const engine = meshWith(aPeerAuthentication('web', { ...web, ...wrong }));
    expect([modeAt(engine), modeAt(engine, 8080)]).toEqual(['strict', 'strict']);
    put(engine, aPeerAuthentication('web', { selector: { matchLabels: { app: 'other' } }, ...wrong }));
    expect(modeAt(engine)).toBe('permissive');
  });

  test('policy/G7: labels in the root namespace select nobody, elsewhere only their own namespace', () => {
    const engine = meshWith(
      aPeerAuthentication('root', { ...web, ...mode('STRICT') }, root),
      aPeerAuthentication('other', { ...web, ...mode('STRICT') }, { namespace: 'other' }),
    );
    expect(modeAt(engine)).toBe('permissive');
  });
});
