import { describe, expect, it } from 'vitest';
import { problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';

const source = (value: object): object => ({ rules: [{ from: [{ source: value }] }] });
const operation = (value: object): object => ({ rules: [{ to: [{ operation: value }] }] });
const when = (value: object): object => ({ rules: [{ when: [value] }] });

describe('an AuthorizationPolicy', () => {
  it('reads values by where their star stands (policy/Z1)', () => {
    const { policy } = valueOf('AuthorizationPolicy', operation({ paths: ['/a', '/a*', '*a', '*', '/a/{*}'] }));
    expect(policy.rules[0]?.to[0]?.[0]).toMatchObject({
      matches: [
        { kind: 'exact', value: '/a' },
        { kind: 'prefix', value: '/a' },
        { kind: 'suffix', value: 'a' },
        { kind: 'present' },
        { kind: 'template', value: '/a/{*}' },
      ],
    });
  });

  it('allows, where it does not say what it does (policy/P140)', () => {
    expect(valueOf('AuthorizationPolicy', {}).policy).toMatchObject({ action: { kind: 'allow' }, rules: [] });
  });

  it.each<[string, object, string]>([
    ['a star in the middle', operation({ paths: ['/a*b'] }), 'WEIR1501 spec.rules[0].to[0].operation.paths[0]'],
    ['two stars', operation({ hosts: ['*a*'] }), 'WEIR1501 spec.rules[0].to[0].operation.hosts[0]'],
    [
      'an identity with a scheme',
      source({ principals: ['spiffe://a/ns/b/sa/c'] }),
      'WEIR1502 spec.rules[0].from[0].source.principals[0]',
    ],
    [
      'a namespace with a slash',
      source({ namespaces: ['a/b'] }),
      'WEIR1502 spec.rules[0].from[0].source.namespaces[0]',
    ],
    [
      'an account of three parts',
      source({ serviceAccounts: ['a/b/c'] }),
      'WEIR1502 spec.rules[0].from[0].source.serviceAccounts[0]',
    ],
    [
      'an account with a star',
      source({ serviceAccounts: ['a*'] }),
      'WEIR1502 spec.rules[0].from[0].source.serviceAccounts[0]',
    ],
    ['a template in a segment', operation({ paths: ['/a{*}'] }), 'WEIR1503 spec.rules[0].to[0].operation.paths[0]'],
    ['a template behind {**}', operation({ paths: ['/{**}/{*}'] }), 'WEIR1503 spec.rules[0].to[0].operation.paths[0]'],
    ['a template with a star', operation({ paths: ['/{*}/a*'] }), 'WEIR1503 spec.rules[0].to[0].operation.paths[0]'],
    ['no address', source({ ipBlocks: ['10.0.0.0/33'] }), 'WEIR1011 spec.rules[0].from[0].source.ipBlocks[0]'],
    ['no port', operation({ ports: ['http'] }), 'WEIR1004 spec.rules[0].to[0].operation.ports[0]'],
    ['an empty list', source({ principals: [] }), 'WEIR1005 spec.rules[0].from[0].source.principals'],
    ['an empty value', source({ namespaces: [''] }), 'WEIR1005 spec.rules[0].from[0].source.namespaces[0]'],
    ['an empty from', { rules: [{ from: [] }] }, 'WEIR1005 spec.rules[0].from'],
    ['a from without source', { rules: [{ from: [{}] }] }, 'WEIR1005 spec.rules[0].from[0]'],
    ['an unknown key', when({ key: 'request.time', values: ['1'] }), 'WEIR1504 spec.rules[0].when[0].key'],
    ['no name of a header', when({ key: 'request.headers[a b]', values: ['1'] }), 'WEIR1504 spec.rules[0].when[0].key'],
    ['no values', when({ key: 'source.ip' }), 'WEIR1005 spec.rules[0].when[0]'],
    ['CUSTOM without provider', { action: 'CUSTOM', rules: [{}] }, 'WEIR1505 spec.provider.name'],
    ['a provider without CUSTOM', { provider: { name: 'a' } }, 'WEIR1505 spec.provider'],
    [
      'selector and targets',
      { selector: { matchLabels: { a: 'b' } }, targetRefs: [{ kind: 'Gateway', name: 'a' }] },
      'WEIR1006 spec.selector',
    ],
    ['an unknown field', operation({ pathes: ['/a'] }), 'WEIR1001 spec.rules[0].to[0].operation.pathes'],
  ])('names %s', (_, spec, problem) => {
    expect(problemsOf('AuthorizationPolicy', spec)).toContain(`error ${problem}`);
  });

  it('warns of what does nothing', () => {
    expect(problemsOf('AuthorizationPolicy', { action: 'DENY' })).toEqual(['warning WEIR1021 spec.rules']);
    expect(problemsOf('AuthorizationPolicy', operation({ paths: ['a'] }))).toEqual([
      'warning WEIR1109 spec.rules[0].to[0].operation.paths[0]',
    ]);
    expect(problemsOf('AuthorizationPolicy', { targetRefs: [{ kind: 'Gateway', name: 'a' }] })).toEqual([
      'warning WEIR1009 spec.targetRefs',
    ]);
  });
});

describe('a RequestAuthentication', () => {
  const rule = (value: object): object => ({ jwtRules: [{ issuer: 'https://a', ...value }] });

  it.each<[string, object, string]>([
    ['no issuer', { jwtRules: [{ jwksUri: 'https://a/' }] }, 'WEIR1005 spec.jwtRules[0].issuer'],
    ['an issuer that is no address, without keys', { jwtRules: [{ issuer: 'a' }] }, 'WEIR1005 spec.jwtRules[0]'],
    ['two origins of keys', rule({ jwks: '{}', jwksUri: 'https://a/' }), 'WEIR1006 spec.jwtRules[0]'],
    ['keys in a file', rule({ jwksUri: 'file:///etc/passwd' }), 'WEIR1506 spec.jwtRules[0].jwksUri'],
    ['keys behind a password', rule({ jwksUri: 'https://a:b@c/' }), 'WEIR1506 spec.jwtRules[0].jwksUri'],
    ['no keys', rule({ jwks: '{"keys":[]}' }), 'WEIR1507 spec.jwtRules[0].jwks'],
    ['a key that is none', rule({ jwks: '{"keys":[{"kty":"EC"}]}' }), 'WEIR1507 spec.jwtRules[0].jwks'],
    ['a secret', rule({ jwks: '{"keys":[{"kty":"oct","k":"AA"}]}' }), 'WEIR1507 spec.jwtRules[0].jwks'],
    [
      'a header that is none',
      rule({ fromHeaders: [{ name: 'a b' }] }),
      'WEIR1015 spec.jwtRules[0].fromHeaders[0].name',
    ],
  ])('names %s (policy/J2)', (_, spec, problem) => {
    expect(problemsOf('RequestAuthentication', spec)).toContain(`error ${problem}`);
  });
});
