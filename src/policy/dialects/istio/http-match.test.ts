import { describe, expect, it } from 'vitest';
import { problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';
import type { DecodedHttpMatch } from './decoded.ts';

const route = [{ destination: { host: 'a' } }];

function withMatch(match: unknown): unknown {
  return { hosts: ['a'], http: [{ match: [match], route }] };
}

function matchOf(match: unknown): DecodedHttpMatch | undefined {
  return valueOf('VirtualService', withMatch(match)).http[0]?.matches[0];
}

describe('conditions on requests', () => {
  it.each([
    ['an exact path (policy/H1)', { uri: { exact: '/a' } }, { path: { kind: 'exact', value: '/a' } }],
    ['a path whatever its case (policy/H1)', { uri: { exact: '/a' }, ignoreUriCase: true }, { ignorePathCase: true }],
    ['a prefix (policy/H2)', { uri: { prefix: '/a' } }, { path: { kind: 'prefix', value: '/a' } }],
    ['an empty prefix, which every path has (policy/H2)', { uri: { prefix: '' } }, { path: undefined }],
    ['a regular expression (policy/H3)', { uri: { regex: '/a.*' } }, { path: { kind: 'regex', value: '/a.*' } }],
    ['a method (policy/H4)', { method: { exact: 'GET' } }, { method: { kind: 'exact', value: 'GET' } }],
    ['a scheme (policy/H5)', { scheme: { exact: 'https' } }, { scheme: { kind: 'exact', value: 'https' } }],
    ['an authority (policy/H6)', { authority: { prefix: 'a.' } }, { authority: { kind: 'prefix', value: 'a.' } }],
    [
      'headers in lower case, sorted (policy/H7)',
      { headers: { 'X-User': { exact: 'Joe' }, 'a-b': { regex: 'x+' } } },
      {
        headers: [
          { name: 'x-user', match: { kind: 'exact', value: 'Joe' }, inverted: false },
          { name: 'a-b', match: { kind: 'regex', value: 'x+' }, inverted: false },
        ],
      },
    ],
    [
      'presence, by an empty matcher or * (policy/H8)',
      { headers: { a: {}, b: { regex: '*' } } },
      {
        headers: [
          { name: 'a', match: { kind: 'present' }, inverted: false },
          { name: 'b', match: { kind: 'present' }, inverted: false },
        ],
      },
    ],
    [
      'absence (policy/H9)',
      { withoutHeaders: { a: { exact: '1' }, b: {} } },
      {
        headers: [
          { name: 'a', match: { kind: 'exact', value: '1' }, inverted: true },
          { name: 'b', match: { kind: 'present' }, inverted: true },
        ],
      },
    ],
    [
      'query parameters (policy/H10)',
      { queryParams: { Q: { exact: '' }, p: {} } },
      {
        query: [
          { name: 'Q', match: { kind: 'exact', value: '' } },
          { name: 'p', match: { kind: 'present' } },
        ],
      },
    ],
    ['names for logs and statistics (policy/H16)', { name: 'n', statPrefix: 's' }, { name: 'n', statPrefix: 's' }],
  ])('%s', (_, written, expected) => {
    expect(matchOf(written)?.match).toMatchObject(expected);
  });

  it('keeps what no request decides apart (policy/H11, policy/H12, policy/H13, policy/H14)', () => {
    const source = { port: 80, sourceLabels: { app: 'x' }, sourceNamespace: 'n' };
    expect(matchOf(source)?.conditions).toEqual({ ...source, gateways: undefined });
    expect(matchOf({ gateways: ['mesh', 'g', 'o/g'] })?.conditions).toEqual({
      port: undefined,
      sourceLabels: {},
      sourceNamespace: undefined,
      gateways: ['mesh', 'shop/g', 'o/g'],
    });
  });

  it('leaves a block with claims of tokens out, and with it a route that has no other (policy/H15)', () => {
    const claims = { headers: { '@request.auth.claims.group': { exact: 'dev' } } };
    const spec = {
      hosts: ['a'],
      http: [
        { match: [claims], route },
        { match: [claims, { port: 80 }], route },
      ],
    };
    const [only, ...more] = valueOf('VirtualService', spec).http;
    expect(more).toEqual([]);
    expect(only?.rule.provenance.path).toBe('spec.http[1]');
    expect(only?.matches).toHaveLength(1);
    expect(problemsOf('VirtualService', spec)).toEqual([
      'warning WEIR1009 spec.http[0].match[0].headers["@request.auth.claims.group"]',
      'warning WEIR1009 spec.http[1].match[0].headers["@request.auth.claims.group"]',
    ]);
  });

  it('has no match for every request (policy/P101)', () => {
    expect(valueOf('VirtualService', { hosts: ['a'], http: [{ route }] }).http[0]?.matches).toEqual([]);
  });

  it.each([
    ['numbers for text (policy/G8)', { uri: { exact: 1 } }, 'error WEIR1002', '.uri.exact'],
    ['a list for a matcher', { uri: ['/a'] }, 'error WEIR1002', '.uri'],
    ['two kinds at once (policy/G8)', { uri: { exact: '/a', prefix: '/b' } }, 'error WEIR1006', '.uri'],
    ['an unknown kind (policy/G8)', { uri: { suffix: '/a' } }, 'error WEIR1001', '.uri.suffix'],
    ['an empty prefix of a method (policy/H4)', { method: { prefix: '' } }, 'error WEIR1005', '.method.prefix'],
    [
      'an empty prefix of a header (policy/H7)',
      { headers: { a: { prefix: '' } } },
      'error WEIR1005',
      '.headers.a.prefix',
    ],
    ['look-around (policy/H3)', { uri: { regex: '(?!x)' } }, 'error WEIR1013', '.uri.regex'],
    [
      'back-references in headers (policy/H3)',
      { headers: { a: { regex: '(x)\\1' } } },
      'error WEIR1013',
      '.headers.a.regex',
    ],
    ['a header name with a blank (policy/H7)', { headers: { 'a b': {} } }, 'error WEIR1015', '.headers["a b"]'],
    ['an empty header name (policy/H7)', { headers: { '': {} } }, 'error WEIR1015', '.headers[""]'],
    ['an empty parameter name (policy/H10)', { queryParams: { '': {} } }, 'error WEIR1005', '.queryParams[""]'],
    ['a port beyond the last (policy/H11)', { port: 65_536 }, 'error WEIR1004', '.port'],
    ['a broken label (policy/H12)', { sourceLabels: { a: 'b c' } }, 'error WEIR1018', '.sourceLabels.a'],
    ['a broken namespace (policy/H13)', { sourceNamespace: 'a/b' }, 'error WEIR1019', '.sourceNamespace'],
    ['a broken gateway (policy/H14)', { gateways: ['a/b/c'] }, 'error WEIR1019', '.gateways[0]'],
    ['a path without slash, which never matches', { uri: { exact: 'a' } }, 'warning WEIR1109', '.uri.exact'],
    ['a path with a query, which never matches', { uri: { prefix: '/a?b' } }, 'warning WEIR1109', '.uri.prefix'],
    ['a method in lower case, which never matches', { method: { exact: 'get' } }, 'warning WEIR1109', '.method.exact'],
    ['an empty matcher of a method', { method: {} }, 'warning WEIR1021', '.method'],
    ['letters beyond ASCII in an expression', { uri: { regex: '/ü' } }, 'warning WEIR1014', '.uri.regex'],
    [
      'case-blindness of an expression (policy/H1)',
      { uri: { regex: '/a' }, ignoreUriCase: true },
      'warning WEIR1021',
      '.ignoreUriCase',
    ],
  ])('says of %s what it is', (_, written, problem, path) => {
    expect(problemsOf('VirtualService', withMatch(written))).toEqual([`${problem} spec.http[0].match[0]${path}`]);
  });

  it('says when source conditions are not looked at (policy/H14)', () => {
    expect(problemsOf('VirtualService', withMatch({ gateways: ['mesh'], sourceLabels: { a: 'b' } }))).toEqual([
      'warning WEIR1021 spec.http[0].match[0]',
    ]);
  });

  it('compiles at most 50 expressions of one object (policy/H3)', () => {
    const match = Array.from({ length: 60 }, (_, index) => ({ uri: { regex: `/a${index}.*` } }));
    expect(problemsOf('VirtualService', { hosts: ['a'], http: [{ match, route }] })).toEqual([
      'error WEIR1008 spec.http[0].match[50].uri.regex',
    ]);
  });
});
