import { describe, expect, test } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aPeerAuthentication,
  aPod,
  aProxy,
  aService,
  aShard,
  put,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { configKey } from '../model/keys.ts';
import { findings } from './findings.ts';
import { objectConditions } from './status.ts';

const web = { selector: { matchLabels: { app: 'web' } } };
const strict = { mtls: { mode: 'STRICT' } };

function theMesh(...rows: readonly ARow[]): Engine {
  const labels = { app: 'web', 'security.istio.io/tlsMode': 'istio' };
  return aMesh(
    aService('web'),
    aShard('web', ['10.0.0.1']),
    aPod('web-1', { addresses: ['10.0.0.1'], labels }),
    aProxy('web-1', { addresses: ['10.0.0.1'], secrets: 'stream' }),
    ...rows,
  );
}

const said = (engine: Engine): readonly string[] =>
  engine.read(findings, 'all').map(({ code, path, object }) => `${code} ${object.name} ${path}`);

describe('a PeerAuthentication', () => {
  test('policy/G7: with a selector in the root namespace', () => {
    const engine = theMesh(aPeerAuthentication('root', { ...web, ...strict }, { namespace: 'weir-system' }));
    expect(said(engine)).toEqual(['WEIR1411 root spec.selector']);
  });

  test('policy/P1: younger than another one for the same workloads, which its status says', () => {
    const engine = theMesh(
      aPeerAuthentication('old', { ...web, ...strict }, { createdAt: 1 }),
      aPeerAuthentication('new', { ...web, mtls: { mode: 'DISABLE' } }, { createdAt: 2 }),
      aPeerAuthentication('all', strict, { createdAt: 3 }),
    );
    expect(said(engine)).toEqual(['WEIR1412 new ']);
    const conditions = engine.read(objectConditions, configKey('security.istio.io/PeerAuthentication', 'shop', 'new'));
    expect(conditions.find(({ type }) => type === 'Conflicted')).toMatchObject({ reason: 'OlderPolicyHolds' });
  });

  test('policy/P417: with the port of a service', () => {
    const portLevelMtls = { 80: { mode: 'DISABLE' }, 8080: { mode: 'STRICT' }, 9999: { mode: 'STRICT' } };
    const engine = theMesh(aPeerAuthentication('web', { ...web, portLevelMtls }));
    expect(said(engine)).toEqual(['WEIR1413 web spec.portLevelMtls["80"]']);
  });

  test('that closes a workload whose proxy has no certificate', () => {
    const engine = theMesh(aPeerAuthentication('shop', strict));
    expect(said(engine)).toEqual([]);
    put(engine, aProxy('web-1', { addresses: ['10.0.0.1'], secrets: 'none' }));
    expect(said(engine)).toEqual(['WEIR1414 shop spec']);
  });
});

describe('policy/P415: a DestinationRule', () => {
  const rule = (mode: string) => aDestinationRule('web', { host: 'web', trafficPolicy: { tls: { mode } } });

  test('for plaintext to workloads that take mutual TLS alone', () => {
    const engine = theMesh(rule('DISABLE'));
    expect(said(engine)).toEqual([]);
    put(engine, aPeerAuthentication('shop', strict));
    expect(said(engine)).toEqual(['WEIR1415 web spec.trafficPolicy.tls']);
    put(engine, aPeerAuthentication('web', { ...web, portLevelMtls: { 8080: { mode: 'PERMISSIVE' } } }));
    expect(said(engine)).toEqual([]);
  });

  test('for mutual TLS to endpoints without sidecar', () => {
    const engine = theMesh(rule('ISTIO_MUTUAL'));
    expect(said(engine)).toEqual([]);
    put(engine, aShard('web', ['10.0.0.1', '10.0.0.9']));
    expect(said(engine)).toEqual(['WEIR1416 web spec.trafficPolicy.tls']);
  });
});
