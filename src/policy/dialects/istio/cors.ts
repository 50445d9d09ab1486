import type { Cors, StringMatch } from '../../../model/routing.ts';
import { quote } from './field-path.ts';
import { checkHeaderName } from './headers.ts';
import type { Reading } from './reading.ts';
import type { CorsSpec } from './schemas/virtual-service.ts';
import { decodeTextMatch } from './string-match.ts';
import { decodeDuration, itemsOf } from './values.ts';

const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  '*',
]);

/** Which other origins' pages may use a route (policy A18). */
export function decodeCors(spec: CorsSpec | undefined, path: string, reading: Reading): Cors | undefined {
  if (spec === undefined) return undefined;
  const allowMethods = itemsOf(spec.allowMethods, `${path}.allowMethods`).map(({ item, at }) => {
    if (!methods.has(item)) {
      reading.error('WEIR1003', at, `${quote(item)} is no method of HTTP`, `use one of ${[...methods].join(', ')}`);
    }
    return item;
  });
  return {
    allowOrigins: decodeOrigins(spec, path, reading),
    allowMethods,
    allowHeaders: headerNames(spec.allowHeaders, `${path}.allowHeaders`, reading),
    exposeHeaders: headerNames(spec.exposeHeaders, `${path}.exposeHeaders`, reading),
    maxAgeMs: decodeMaxAge(spec.maxAge, `${path}.maxAge`, reading),
    allowCredentials: spec.allowCredentials,
    forwardUnmatchedPreflights: spec.unmatchedPreflights !== 'IGNORE',
  };
}

function decodeOrigins(spec: CorsSpec, path: string, reading: Reading): readonly StringMatch[] {
  const legacy = itemsOf(spec.allowOrigin, `${path}.allowOrigin`);
  if (legacy.length > 0) reading.deprecated(`${path}.allowOrigin`, 'allowOrigins');
  if (spec.allowOrigins === undefined) return legacy.map(({ item }) => ({ kind: 'exact', value: item }));
  return itemsOf(spec.allowOrigins, `${path}.allowOrigins`).flatMap(({ item, at }) => {
    const match = decodeTextMatch(item, at, reading);
    if (match === undefined) return [];
    if (match.kind !== 'any' && match.value !== '') return [match];
    reading.error('WEIR1005', at, 'the origin is empty', 'add exact, prefix or regex; exact: "*" allows every origin');
    return [];
  });
}

function headerNames(
  list: readonly (string | undefined)[] | undefined,
  path: string,
  reading: Reading,
): readonly string[] {
  return itemsOf(list, path)
    .filter(({ item, at }) => item === '*' || checkHeaderName(item, at, reading))
    .map(({ item }) => item);
}

function decodeMaxAge(maxAge: string | undefined, path: string, reading: Reading): number | undefined {
  const milliseconds = decodeDuration(maxAge, path, reading);
  if (milliseconds === undefined || milliseconds % 1000 === 0) return milliseconds;
  reading.error('WEIR1012', path, 'browsers count maxAge in whole seconds', 'write whole seconds, for example 24h');
  return undefined;
}
