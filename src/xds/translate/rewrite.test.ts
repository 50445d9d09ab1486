import { describe, expect, it } from 'vitest';
import type { Rewrite, StringMatch } from '../../model/routing.ts';
import { pathRewrite } from './rewrite.ts';

function aRewrite(rewrite: Partial<Rewrite>): Rewrite {
  return { uri: undefined, regex: undefined, authority: undefined, ...rewrite };
}

function prefix(value: string): StringMatch {
  return { kind: 'prefix', value };
}

/** What Envoy makes of a path that matched, by the two fields that it has for it. */
function rewritten(path: string, matched: string, fields: ReturnType<typeof pathRewrite>): string {
  const { prefixRewrite, regexRewrite } = fields;
  if (regexRewrite?.pattern?.regex !== undefined) {
    const substitution = (regexRewrite.substitution ?? '').replaceAll(/\\(\d)/g, '$$$1');
    return path.replaceAll(new RegExp(regexRewrite.pattern.regex, 'g'), substitution);
  }
  return prefixRewrite === undefined ? path : prefixRewrite + path.slice(matched.length);
}

describe('a rewritten path', () => {
  it('exchanges the matched prefix, or a path that matched as a whole (policy/A7)', () => {
    expect(pathRewrite(aRewrite({ uri: '/b' }), prefix('/a'), 'istio')).toEqual({ prefixRewrite: '/b' });
    expect(pathRewrite(aRewrite({ uri: '/b' }), { kind: 'exact', value: '/a' }, 'istio')).toEqual({
      prefixRewrite: '/b',
    });
  });

  it('may be made by a regular expression (policy/A8)', () => {
    expect(
      pathRewrite(aRewrite({ regex: { match: '^/a/(.*)$', substitution: '/\\1' } }), prefix('/'), 'istio'),
    ).toEqual({
      regexRewrite: { pattern: { regex: '^/a/(.*)$' }, substitution: '/\\1' },
    });
  });

  // The table of the Gateway API for ReplacePrefixMatch.
  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '/', '/bar'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/bar', '/', '/xyz', '/xyz/bar'],
    ['/a.b/bar', '/a.b', '/', '/bar'],
  ])(
    'keeps whole segments in the gateway dialect: %s by %s to %s gives %s (policy/A7)',
    (path, matched, uri, expected) => {
      const fields = pathRewrite(aRewrite({ uri }), prefix(matched), 'gateway');
      expect(rewritten(path, matched.replace(/(.)\/$/, '$1'), fields)).toBe(expected);
    },
  );
});
