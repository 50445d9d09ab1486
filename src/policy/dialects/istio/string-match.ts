import type { StringMatch } from '../../../model/routing.ts';
import { readRegex } from '../../regex.ts';
import type { Reading } from './reading.ts';
import type { StringMatchSpec } from './schemas/virtual-service.ts';
import { atMostOne } from './values.ts';

/**
 * What a text has to be (policy G8): `any` for an empty matcher, which asks for the mere presence of the text, undefined where
 * the matcher is wrong.
 */
export type TextMatch = StringMatch | { readonly kind: 'any' };

export function decodeTextMatch(spec: StringMatchSpec, path: string, reading: Reading): TextMatch | undefined {
  const { exact, prefix, regex } = spec;
  if (atMostOne({ exact, prefix, regex }, path, reading) > 1) return undefined;
  if (exact !== undefined) return { kind: 'exact', value: exact };
  if (prefix !== undefined) return decodePrefix(prefix, `${path}.prefix`, reading);
  if (regex === undefined) return { kind: 'any' };
  return checkRegex(regex, `${path}.regex`, reading) === undefined ? undefined : { kind: 'regex', value: regex };
}

/** As `decodeTextMatch`, for texts that are always there: an empty matcher asks for nothing. */
export function decodeStringMatch(
  spec: StringMatchSpec | undefined,
  path: string,
  reading: Reading,
): StringMatch | undefined {
  const match = spec === undefined ? undefined : decodeTextMatch(spec, path, reading);
  if (match?.kind !== 'any') return match;
  reading.warn(
    'WEIR1021',
    path,
    'the match is empty and matches everything',
    'add exact, prefix or regex, or remove it',
  );
  return undefined;
}

function decodePrefix(prefix: string, path: string, reading: Reading): StringMatch | undefined {
  if (prefix !== '') return { kind: 'prefix', value: prefix };
  reading.error('WEIR1005', path, 'the prefix is empty', 'write a prefix; an empty matcher {} asks for presence');
  return undefined;
}

/**
 * Reports a regular expression that proxies would not take (policy H3).
 *
 * @returns how many parts it captures; undefined when it is refused
 */
export function checkRegex(regex: string, path: string, reading: Reading): number | undefined {
  if (!reading.mayCompileRegex(path)) return undefined;
  const read = readRegex(regex);
  if (read.kind === 'invalid') {
    reading.error('WEIR1013', path, `the regular expression ${read.reason}`, read.advice);
    return undefined;
  }
  if (read.caution !== undefined) {
    const advice = 'match such letters as whole words only, or in their percent-encoded form';
    reading.warn('WEIR1014', path, `the regular expression ${read.caution}`, advice);
  }
  return read.groups;
}
