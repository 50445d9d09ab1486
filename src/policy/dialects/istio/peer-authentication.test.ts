import { describe, expect, test } from 'vitest';
import { problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';

const selector = { matchLabels: { app: 'web' } };

describe('PeerAuthentication', () => {
  test.each([
    ['STRICT', 'strict'],
    ['PERMISSIVE', 'permissive'],
    ['DISABLE', 'disable'],
    ['UNSET', undefined],
  ])('policy/P1: mode %s', (mode, decoded) => {
    expect(valueOf('PeerAuthentication', { mtls: { mode } }).mode).toBe(decoded);
  });

  test('policy/P1: nothing said is UNSET, for all workloads', () => {
    expect(valueOf('PeerAuthentication', {})).toMatchObject({ mode: undefined, selector: undefined });
    expect(valueOf('PeerAuthentication', { selector: { matchLabels: {} } }).selector).toBeUndefined();
  });

  test('policy/P2: modes of ports, of which UNSET says nothing', () => {
    const portLevelMtls = { 80: { mode: 'DISABLE' }, '9000': { mode: 'STRICT' }, 9001: { mode: 'UNSET' }, 9002: {} };
    const { ports } = valueOf('PeerAuthentication', { selector, portLevelMtls });
    expect([...ports]).toEqual([
      [80, 'disable'],
      [9000, 'strict'],
    ]);
  });

  test('policy/P2: without selector ports are not in force, the rest is, and it is said', () => {
    const spec = { mtls: { mode: 'STRICT' }, portLevelMtls: { 80: { mode: 'DISABLE' } } };
    expect(problemsOf('PeerAuthentication', spec)).toEqual(['warning WEIR1208 spec.portLevelMtls']);
    expect(valueOf('PeerAuthentication', spec)).toMatchObject({ mode: 'strict', ports: new Map() });
  });

  test('names all that is wrong at once', () => {
    const spec = {
      selector: { matchLabels: { 'a b': 'c' } },
      mtls: { mode: 'STRCT' },
      portLevelMtls: { http: { mode: 'STRICT' }, 70000: { mode: 'STRICT' } },
    };
    expect(problemsOf('PeerAuthentication', spec).toSorted()).toEqual([
      'error WEIR1002 spec.portLevelMtls.http',
      'error WEIR1003 spec.mtls.mode',
      'error WEIR1004 spec.portLevelMtls["70000"]',
      'error WEIR1018 spec.selector.matchLabels["a b"]',
    ]);
  });
});
