import { describe, expect, it } from 'vitest';
import { aMatch } from '../../../test/support/routing-builders.ts';
import type { Dialect, HttpMatch } from '../../model/routing.ts';
import { toJson } from '../json.ts';
import { translateMatch } from './route-match.ts';

function matchOf(match: Partial<HttpMatch>, dialect: Dialect = 'istio'): unknown {
  return toJson('envoy.config.route.v3.RouteMatch', translateMatch(aMatch(match), dialect));
}

describe('a path', () => {
  it('is matched exactly, by prefix or by regular expression (policy/H1, policy/H2, policy/H3)', () => {
    expect(matchOf({ path: { kind: 'exact', value: '/a' } })).toEqual({ path: '/a' });
    expect(matchOf({ path: { kind: 'prefix', value: '/a' } })).toEqual({ prefix: '/a' });
    expect(matchOf({ path: { kind: 'regex', value: '/a|/b' } })).toEqual({ safeRegex: { regex: '/a|/b' } });
  });

  it('that nobody names is any path (policy/P101)', () => {
    expect(toJson('envoy.config.route.v3.RouteMatch', translateMatch(undefined, 'istio'))).toEqual({ prefix: '/' });
    expect(matchOf({})).toEqual({ prefix: '/' });
  });

  it('may be compared without regard to case (policy/H1)', () => {
    expect(matchOf({ path: { kind: 'exact', value: '/a' }, ignorePathCase: true })).toEqual({
      path: '/a',
      caseSensitive: false,
    });
  });

  it.each([
    ['/foo', { pathSeparatedPrefix: '/foo' }],
    ['/foo/', { pathSeparatedPrefix: '/foo' }],
    ['/', { prefix: '/' }],
  ])('prefix %s is whole segments in the gateway dialect (policy/H2)', (value, expected) => {
    expect(matchOf({ path: { kind: 'prefix', value } }, 'gateway')).toEqual(expected);
  });
});

it('method, scheme and authority are headers (policy/H4, policy/H5, policy/H6)', () => {
  const match = matchOf({
    method: { kind: 'exact', value: 'GET' },
    scheme: { kind: 'exact', value: 'https' },
    authority: { kind: 'prefix', value: 'api.' },
  });
  expect(match).toEqual({
    prefix: '/',
    headers: [
      { name: ':method', stringMatch: { exact: 'GET' } },
      { name: ':scheme', stringMatch: { exact: 'https' } },
      { name: ':authority', stringMatch: { prefix: 'api.' } },
    ],
  });
});

describe('headers', () => {
  it('are matched by value or presence, in order of name (policy/H7, policy/H8)', () => {
    const match = matchOf({
      headers: [
        { name: 'x-b', match: { kind: 'present' }, inverted: false },
        { name: 'x-a', match: { kind: 'regex', value: 'v.*' }, inverted: false },
      ],
    });
    expect(match).toEqual({
      prefix: '/',
      headers: [
        { name: 'x-a', stringMatch: { safeRegex: { regex: 'v.*' } } },
        { name: 'x-b', presentMatch: true },
      ],
    });
  });

  it('that must not match may be absent (policy/H9)', () => {
    const match = matchOf({
      headers: [
        { name: 'x-a', match: { kind: 'exact', value: '1' }, inverted: true },
        { name: 'x-b', match: { kind: 'present' }, inverted: true },
      ],
    });
    expect(match).toEqual({
      prefix: '/',
      headers: [
        { name: 'x-a', stringMatch: { exact: '1' }, invertMatch: true, treatMissingHeaderAsEmpty: true },
        { name: 'x-b', presentMatch: true, invertMatch: true },
      ],
    });
  });
});

it('query parameters are matched by value or presence (policy/H10)', () => {
  const match = matchOf({
    query: [
      { name: 'page', match: { kind: 'regex', value: '\\d+' } },
      { name: 'debug', match: { kind: 'present' } },
    ],
  });
  expect(match).toEqual({
    prefix: '/',
    queryParameters: [
      { name: 'debug', presentMatch: true },
      { name: 'page', stringMatch: { safeRegex: { regex: '\\d+' } } },
    ],
  });
});
