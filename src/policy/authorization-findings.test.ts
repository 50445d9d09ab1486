import { describe, expect, it } from 'vitest';
import {
  aMesh,
  aMeshConfig,
  anAuthorizationPolicy,
  aPeerAuthentication,
  aPod,
  aRequestAuthentication,
  aService,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import { configKey } from '../model/keys.ts';
import { allFindings } from '../admin/all-findings.ts';
import { objectConditions } from './status.ts';

const found = (...rows: readonly ARow[]): readonly string[] =>
  aMesh(...rows)
    .read(allFindings, 'all')
    .map(({ severity, code, object, path }) => `${severity} ${code} ${object.name} ${path}`);

const policy = (spec: object): ARow => anAuthorizationPolicy('p', spec);
const tokens = aRequestAuthentication('t', { jwtRules: [{ issuer: 'https://a', jwksUri: 'https://a/keys' }] });
const from = { from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] };
const to = { to: [{ operation: { methods: ['GET'] } }] };

describe('mistakes in policies about callers', () => {
  it('from and to in separate rules (policy/P424)', () => {
    expect(found(policy({ rules: [from, to] }))).toEqual(['warning WEIR1421 p spec.rules[1]']);
    expect(found(policy({ rules: [{ ...from, ...to }] }))).toEqual([]);
  });

  it('identities where certificates are not asked for (policy/P144, policy/P425)', () => {
    const byIdentity = policy({ rules: [{ from: [{ source: { namespaces: ['a'] } }] }] });
    const mode = (text: string): ARow => aPeerAuthentication('m', { mtls: { mode: text } });
    const warning = 'warning WEIR1423 p spec.rules[0].from[0].source.namespaces';
    expect(found(byIdentity)).toEqual([warning]);
    expect(found(byIdentity, mode('PERMISSIVE'))).toEqual([warning]);
    expect(found(byIdentity, mode('STRICT'))).toEqual([]);
  });

  it('an empty policy (policy/P425)', () => {
    expect(found(policy({}))).toEqual(['warning WEIR1424 p spec.rules']);
  });

  it('fields of requests where connections are not looked into (policy/P425)', () => {
    const service = aService('web', { ports: ['tcp:5432', 'http:80'], selector: { app: 'web' } });
    const other = aService('other', { ports: ['tcp:1'], selector: { app: 'other' } });
    const selecting = policy({ selector: { matchLabels: { app: 'web' } }, rules: [to] });
    const pod = aPod('web-1', { labels: { app: 'web' } });
    expect(found(service, other, pod, selecting)).toEqual(['warning WEIR1422 p spec.rules[0].to[0].operation.methods']);
    expect(found(other, pod, selecting)).toEqual([]);
  });

  it('tokens that nobody asks for, and none that could be asked for (policy/P426)', () => {
    const asking = policy({ rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] });
    expect(found(tokens)).toContain('warning WEIR1425 t spec.jwtRules');
    expect(found(asking)).toEqual(['warning WEIR1427 p spec.rules[0].from[0].source.requestPrincipals']);
    expect(found(tokens, asking)).toEqual(['warning WEIR1428 t spec.jwtRules[0]']);
  });

  it('a provider that is not there (policy/P427)', () => {
    const asking = policy({ action: 'CUSTOM', provider: { name: 'judge' }, rules: [to] });
    const settings = aMeshConfig({
      extensionProviders: [{ name: 'judge', envoyExtAuthzGrpc: { service: 'judge.shop.svc.cluster.local', port: 9 } }],
    });
    const missing = ['warning WEIR1426 p spec.provider.name'];
    expect(found(asking)).toEqual(missing);
    expect(found(asking, settings)).toEqual(missing);
    expect(found(asking, settings, aService('judge', { ports: ['grpc:9'] }))).toEqual([]);
  });

  it('a selector that matches nothing (policy/P428)', () => {
    const selecting = policy({ selector: { matchLabels: { app: 'web' } }, rules: [to] });
    expect(found(selecting)).toEqual(['warning IST0127 p spec.selector.matchLabels']);
    expect(found(selecting, aPod('web-1', { labels: { app: 'web' } }))).toEqual([]);
  });
});

it('an object that is wrong is said to deny, on its status', () => {
  const engine = aMesh(policy({ action: 'DENY', rules: [{ to: [{ operation: { paths: ['/a*b'] } }] }] }));
  const conditions = engine.read(objectConditions, configKey('security.istio.io/AuthorizationPolicy', 'shop', 'p'));
  expect(conditions.find(({ type }) => type === 'Accepted')).toMatchObject({
    status: 'False',
    reason: 'Invalid',
    message: expect.stringContaining('as if it denied'),
  });
});
