import type { PathMatch } from '../model/authorization.ts';

/**
 * The forms in which an application may take a path for the one that a policy keeps out: with `;` parameters behind a segment, with slashes
 * that are repeated, escaped or written the other way round (reliability S12). What shall be let in is compared as it stands; what shall be
 * kept out, in any of these forms.
 */

const separator = String.raw`(?:/|\\|%2[Ff]|%5[Cc])+`;
const parameters = String.raw`(?:;[^/]*)?`;

/** A regular expression (RE2, whole text) for the path in any of its forms. */
export function anyFormOf(match: PathMatch): string {
  switch (match.kind) {
    case 'present':
      return '.*';
    case 'exact':
      return `${segments(match.value)}${parameters}`;
    case 'prefix':
      return `${segments(match.value)}.*`;
    case 'suffix':
      return `.*${segments(match.value)}${parameters}`;
    case 'template':
      return `${segments(match.value)}${parameters}`;
  }
}

function segments(path: string): string {
  return path
    .split(/\/+/)
    .map((segment) => (segment === '{*}' ? '[^/]+' : segment === '{**}' ? '.*' : escapedForRegex(segment)))
    .join(`${parameters}${separator}`);
}

/** The only way in which a text of a user gets into a regular expression (reliability S10): as itself. */
function escapedForRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|-]/g, '\\$&');
}
