import type { HeaderMatch, HttpMatch, QueryMatch, StringMatch } from '../../../model/routing.ts';
import type { DecodedHttpMatch, DecodedHttpRoute, StaticConditions } from './decoded.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';

/**
 * Routes and match blocks that no request can reach, since one block above takes all that they would match (policy P403). What
 * only several blocks together cover is not found out.
 */
export function reportUnreachable(routes: readonly DecodedHttpRoute[], reading: Reading): void {
  const count = routes.reduce((sum, { matches }) => sum + Math.max(1, matches.length), 0);
  if (count > largestObject.comparedMatches) return;
  const above: { readonly path: string; readonly match: DecodedHttpMatch }[] = [];
  for (const { matches, rule } of routes) {
    const path = rule.provenance.path ?? '';
    const blocks = matches.length === 0 ? [everything] : matches;
    const covers = blocks.map((block) => above.find(({ match }) => covered(match, block))?.path);
    if (covers.every((cover) => cover !== undefined)) {
      const [first] = covers;
      const message = `the route is never used: ${first} takes all its requests before`;
      reading.warn('IST0130', path, message, `move it above ${first}, or remove it`);
    } else {
      reportBlocks(blocks, covers, reading);
      above.push(...blocks.map((match) => ({ path, match })));
    }
  }
}

function reportBlocks(
  blocks: readonly DecodedHttpMatch[],
  covers: readonly (string | undefined)[],
  reading: Reading,
): void {
  for (const [index, { path }] of blocks.entries()) {
    const cover = covers[index];
    if (cover === undefined) continue;
    const message = `the match block is never used: ${cover} takes all its requests before`;
    reading.warn('IST0131', path, message, 'remove the block, or move the route up');
  }
}

const anyClient: StaticConditions = {
  port: undefined,
  sourceLabels: {},
  sourceNamespace: undefined,
  gateways: undefined,
};

const everything: DecodedHttpMatch = {
  conditions: anyClient,
  path: '',
  match: {
    name: '',
    path: undefined,
    ignorePathCase: false,
    method: undefined,
    scheme: undefined,
    authority: undefined,
    headers: [],
    query: [],
    statPrefix: '',
  },
};

/** Whether whatever matches `narrow` matches `wide`. */
function covered(wide: DecodedHttpMatch, narrow: DecodedHttpMatch): boolean {
  return clientsCovered(wide.conditions, narrow.conditions) && requestsCovered(wide.match, narrow.match);
}

function clientsCovered(wide: StaticConditions, narrow: StaticConditions): boolean {
  if (wide.port !== undefined && wide.port !== narrow.port) return false;
  // Blocks with gateways of their own do not look at the source, so that only like is compared with like.
  if (wide.gateways !== undefined || narrow.gateways !== undefined) {
    return (
      wide.gateways !== undefined && (narrow.gateways?.every((gateway) => wide.gateways?.includes(gateway)) ?? false)
    );
  }
  if (wide.sourceNamespace !== undefined && wide.sourceNamespace !== narrow.sourceNamespace) return false;
  return Object.entries(wide.sourceLabels).every(
    ([name, value]) => Object.hasOwn(narrow.sourceLabels, name) && narrow.sourceLabels[name] === value,
  );
}

function requestsCovered(wide: HttpMatch, narrow: HttpMatch): boolean {
  return (
    pathCovered(wide, narrow) &&
    textCovered(wide.method, narrow.method) &&
    textCovered(wide.scheme, narrow.scheme) &&
    textCovered(wide.authority, narrow.authority) &&
    wide.headers.every((header) => narrow.headers.some((other) => headerCovered(header, other))) &&
    wide.query.every((query) => narrow.query.some((other) => queryCovered(query, other)))
  );
}

function pathCovered(wide: HttpMatch, narrow: HttpMatch): boolean {
  if (wide.path === undefined || (wide.path.kind === 'prefix' && wide.path.value === '/')) return true;
  if (narrow.path === undefined) return textCovered(wide.path, undefined);
  if (wide.ignorePathCase) return textCovered(folded(wide.path), folded(narrow.path));
  // A match that ignores case takes paths that one which does not leaves.
  return !narrow.ignorePathCase && textCovered(wide.path, narrow.path);
}

function folded(match: StringMatch): StringMatch {
  return match.kind === 'regex' ? match : { kind: match.kind, value: match.value.toLowerCase() };
}

function textCovered(wide: StringMatch | undefined, narrow: StringMatch | undefined): boolean {
  if (wide === undefined || (wide.kind === 'regex' && wide.value === '.*')) return true;
  if (narrow === undefined) return false;
  if (wide.kind === 'prefix') return narrow.kind !== 'regex' && narrow.value.startsWith(wide.value);
  return wide.kind === narrow.kind && wide.value === narrow.value;
}

function headerCovered(wide: HeaderMatch, narrow: HeaderMatch): boolean {
  if (wide.name !== narrow.name || wide.inverted !== narrow.inverted) return false;
  // Inverted, the narrower of two matches is the wider one.
  return wide.inverted ? valueCovered(narrow.match, wide.match) : valueCovered(wide.match, narrow.match);
}

function queryCovered(wide: QueryMatch, narrow: QueryMatch): boolean {
  return wide.name === narrow.name && valueCovered(wide.match, narrow.match);
}

function valueCovered(wide: HeaderMatch['match'], narrow: HeaderMatch['match']): boolean {
  if (wide.kind === 'present') return true;
  return narrow.kind !== 'present' && textCovered(wide, narrow);
}
