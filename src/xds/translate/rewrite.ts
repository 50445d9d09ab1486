import type { Dialect, Rewrite, StringMatch } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';
import { regexMatcher } from './string-match.ts';

/** The path that the server sees, where it differs from the one that the client sent (policy A7, A8). */
export function pathRewrite(
  rewrite: Rewrite | undefined,
  path: StringMatch | undefined,
  dialect: Dialect,
): Pick<envoy.RouteAction, 'prefixRewrite' | 'regexRewrite'> {
  if (rewrite === undefined) return {};
  if (rewrite.regex !== undefined) {
    return { regexRewrite: { pattern: regexMatcher(rewrite.regex.match), substitution: rewrite.regex.substitution } };
  }
  if (rewrite.uri === undefined) return {};
  const replacesSegments = dialect === 'gateway' && (path === undefined || path.kind === 'prefix');
  return replacesSegments ? segmentRewrite(path?.value ?? '/', rewrite.uri) : { prefixRewrite: rewrite.uri };
}

/** Replaces whole segments, so that exactly one slash stands between the new prefix and the rest. */
function segmentRewrite(
  prefix: string,
  replacement: string,
): Pick<envoy.RouteAction, 'prefixRewrite' | 'regexRewrite'> {
  const from = prefix.replace(/\/+$/, '');
  const to = replacement.replace(/\/+$/, '');
  if (from === '') return { prefixRewrite: `${to}/` };
  if (to !== '') return { prefixRewrite: to };
  // `/foo` to `/`: a plain exchange would make `/foo/bar` into `//bar` and `/foo` into nothing.
  return { regexRewrite: { pattern: regexMatcher(`^${escapeRegex(from)}/?(.*)`), substitution: '/\\1' } };
}

function escapeRegex(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
