import { describe, expect, it } from 'vitest';
import { aCaller } from '../support/hand-fed-secrets.ts';
import { adminPages } from '../../src/admin/server.ts';
import { askerOf, authorize, type Asked, type Asker } from '../../src/xds/authorization.ts';
import { resourceTypes, unservedType } from '../../src/xds/resource-types.ts';

const nobody: Asker = askerOf(undefined);
const web: Asker = askerOf(aCaller('web'));
const operator: Asker = { kind: 'operator' };

/** In words: `all`, `of NAMESPACE`, or why not. */
function answer(asker: Asker, asked: Asked): string {
  const decision = authorize(asker, asked);
  if (decision.kind === 'denied') return decision.reason;
  return decision.namespace === undefined ? 'all' : `of ${decision.namespace}`;
}

describe('who may have what (reliability/S6, reliability/S55)', () => {
  const pages = ['/', ...adminPages];

  it('names every page of the admin server: three are for everybody, and the list of them (reliability/S33, reliability/SC24)', () => {
    const table = pages.map((path) => [
      path,
      ...[nobody, web, operator].map((asker) => answer(asker, { kind: 'page', path })),
    ]);
    expect(table).toEqual([
      ['/', 'all', 'all', 'all'],
      ['/ready', 'all', 'all', 'all'],
      ['/healthz', 'all', 'all', 'all'],
      ['/status', 'no-identity', 'of shop', 'all'],
      ['/metrics', 'all', 'all', 'all'],
      ['/guard', 'no-identity', 'foreign', 'all'],
      ['/version', 'no-identity', 'of shop', 'all'],
    ]);
  });

  it.each(['/debug', '/status/', '/__proto__', 'status', ''])('denies a page that nobody wrote down: %j', (path) => {
    for (const asker of [nobody, web, operator]) expect(answer(asker, { kind: 'page', path })).toBe('foreign');
  });

  it('names every type of resources, and denies all others (reliability/SC24)', () => {
    for (const { name } of resourceTypes) expect(answer(nobody, { kind: 'type', type: name })).toBe('all');
    for (const name of [
      'istio.io/debug',
      'istio.io/debug/config_dump',
      'type.googleapis.com/istio.networking.nds.v1.NameTable',
    ]) {
      expect(answer(web, { kind: 'type', type: unservedType(name).name })).toBe('foreign');
    }
  });

  it('gives secrets to their workload alone, and to nobody who runs Weir (reliability/S23, reliability/S55)', () => {
    const secret = (name: string, origin: 'stream' | 'agent' | 'none' = 'stream'): Asked => ({
      kind: 'secret',
      name,
      origin,
    });
    for (const name of ['default', 'ROOTCA']) {
      expect([nobody, web, operator].map((asker) => answer(asker, secret(name)))).toEqual([
        'no-identity',
        'all',
        'no-identity',
      ]);
      expect(answer(web, secret(name, 'agent'))).toBe('not-served');
    }
    expect(answer(web, secret('kubernetes://shop/tls'))).toBe('foreign');
  });

  it('signs for workloads alone, and tells of proxies of the own namespace (reliability/S7, reliability/S80)', () => {
    expect([nobody, web, operator].map((asker) => answer(asker, { kind: 'certificate' }))).toEqual([
      'no-identity',
      'all',
      'no-identity',
    ]);
    expect([nobody, web, operator].map((asker) => answer(asker, { kind: 'client-status' }))).toEqual([
      'no-identity',
      'of shop',
      'all',
    ]);
  });
});
