import type { HttpAction, HttpMatch, Retries } from '../../../model/routing.ts';
import { decodeCors } from './cors.ts';
import type { DecodedHttpMatch, DecodedHttpRoute } from './decoded.ts';
import { decodeDestinations } from './destinations.ts';
import { decodeFault } from './fault.ts';
import { checkAuthority, decodeHeaders } from './headers.ts';
import { decodeDirectResponse, decodeRedirect, decodeRewrite } from './http-actions.ts';
import { decodeHttpMatch } from './http-match.ts';
import { decodeMirrors } from './mirrors.ts';
import type { Reading } from './reading.ts';
import { decodeRetries } from './retries.ts';
import type { HttpRouteSpec } from './schemas/virtual-service.ts';
import { decodeDuration, itemsOf } from './values.ts';

/**
 * One route: which requests, and what happens to them.
 *
 * @returns undefined when it matches or does nothing that can be in force
 */
export function decodeHttpRoute(spec: HttpRouteSpec, path: string, reading: Reading): DecodedHttpRoute | undefined {
  const written = itemsOf(spec.match, `${path}.match`);
  const matches = written
    .map(({ item, at }) => decodeHttpMatch(item, at, reading))
    .filter((match) => match !== undefined);
  const action = decodeAction(spec, matches, path, reading);
  const headers = decodeHeaders(spec.headers, `${path}.headers`, reading);
  checkAuthority(spec.rewrite?.authority, headers, path, reading);
  const timeoutMs = decodeDuration(spec.timeout, `${path}.timeout`, reading);
  const retries = decodeRetries(spec.retries, `${path}.retries`, reading);
  const fault = decodeFault(spec.fault, `${path}.fault`, reading);
  checkTimes(timeoutMs, retries, fault?.delay?.fixedMs, path, reading);
  const cors = decodeCors(spec.corsPolicy, `${path}.corsPolicy`, reading);
  // A route whose every block was left out must not turn into one that matches everything.
  if (action === undefined || (written.length > 0 && matches.length === 0)) return undefined;
  const provenance = reading.provenance(path);
  return { matches, rule: { name: spec.name ?? '', action, headers, timeoutMs, retries, fault, cors, provenance } };
}

/** Exactly one of the four (policy A1 to A6, A19), with only what goes with it. */
function decodeAction(
  spec: HttpRouteSpec,
  matches: readonly DecodedHttpMatch[],
  path: string,
  reading: Reading,
): HttpAction | undefined {
  const route = spec.route?.length === 0 ? undefined : spec.route;
  const { redirect, directResponse, delegate } = spec;
  const actions = Object.entries({ route, redirect, directResponse, delegate }).filter(
    ([, value]) => value !== undefined,
  );
  const names = actions.map(([name]) => name);
  if (names.length > 1) {
    reading.error('WEIR1104', path, `the route has ${names.join(' and ')}`, `keep one of ${names.join(', ')}`);
  }
  if (names.length === 0) {
    const advice = 'add route, redirect, directResponse or delegate';
    reading.error('WEIR1103', path, 'the route does not say what happens to a request', advice);
  }
  const patterns: readonly HttpMatch[] = matches.map(({ match }) => match);
  const mirrors = decodeMirrors(spec, path, reading);
  const rewrite = spec.rewrite && decodeRewrite(spec.rewrite, `${path}.rewrite`, reading);
  const destinations = decodeDestinations(route, `${path}.route`, reading);
  if (delegate !== undefined) {
    reading.notInForce(`${path}.delegate`, 'the route is left out, and requests go on to the next one');
    return undefined;
  }
  if (redirect !== undefined) {
    checkAnswering('redirect', spec, path, reading);
    return decodeRedirect(redirect, patterns, `${path}.redirect`, reading);
  }
  if (directResponse !== undefined) {
    checkAnswering('directResponse', spec, path, reading);
    return decodeDirectResponse(directResponse, `${path}.directResponse`, reading);
  }
  return destinations.length === 0 ? undefined : { kind: 'forward', destinations, rewrite, mirrors };
}

/** A route that answers by itself sends nothing on. */
function checkAnswering(action: string, spec: HttpRouteSpec, path: string, reading: Reading): void {
  for (const field of ['rewrite', 'fault'] as const) {
    if (spec[field] === undefined) continue;
    const message = `${field} has no place beside ${action}`;
    reading.error('WEIR1104', `${path}.${field}`, message, `remove ${field}, or use route`);
  }
  for (const field of ['timeout', 'retries', 'mirror', 'mirrors'] as const) {
    if (spec[field] === undefined) continue;
    reading.warn('WEIR1021', `${path}.${field}`, `${field} does nothing beside ${action}`, `remove ${field}`);
  }
}

/** Policy P436. */
function checkTimes(
  timeoutMs: number | undefined,
  retries: Retries | undefined,
  delayMs: number | undefined,
  path: string,
  reading: Reading,
): void {
  if (timeoutMs === undefined) return;
  const perTry = retries?.perTryTimeoutMs;
  if (retries !== undefined && perTry !== undefined && perTry * retries.attempts > timeoutMs) {
    const message = `the timeout of ${timeoutMs}ms ends before ${retries.attempts} attempts of ${perTry}ms`;
    reading.warn('WEIR1108', `${path}.timeout`, message, 'lengthen timeout, or shorten perTryTimeout or attempts');
  }
  if (delayMs !== undefined && delayMs > timeoutMs) {
    const message = `the timeout of ${timeoutMs}ms is shorter than the injected delay of ${delayMs}ms`;
    reading.warn('WEIR1108', `${path}.timeout`, message, 'lengthen timeout, or shorten fault.delay.fixedDelay');
  }
}
